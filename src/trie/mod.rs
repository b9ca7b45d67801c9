//! The store's only data structure.
