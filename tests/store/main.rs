//! The store as a library, with time passed in.

mod bulk;
