//! The `volte` binary: command line only; everything else is the library.

fn main() {}
