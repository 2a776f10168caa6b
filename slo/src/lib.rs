//! The compiler of objectives.
