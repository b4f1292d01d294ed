//! How events and block contents are written into columns.
