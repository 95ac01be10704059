//! What a node is: protocol info and node information frame.
