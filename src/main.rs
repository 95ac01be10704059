//! The command line, nothing more.

fn main() {}
