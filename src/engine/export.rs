//! Export: rig + pictures of a moment + path → file.
