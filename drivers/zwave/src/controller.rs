//! The driver: implements the radio seam, owns the layers, nothing else.
