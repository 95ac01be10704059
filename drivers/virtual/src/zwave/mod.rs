//! A Z-Wave controller and its nodes in software, speaking the real Serial API.
