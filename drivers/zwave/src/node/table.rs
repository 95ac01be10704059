//! What is known of each node, and how it is kept in the store.
