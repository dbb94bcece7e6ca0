//! A path: a curve in space × time.
