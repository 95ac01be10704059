//! Finding out what a node is and can do.
