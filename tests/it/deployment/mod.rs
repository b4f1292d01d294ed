//! What a deployment is made of: the image and the compose file.
//!
//! Promises: the files are held against the hub and the tree as they are; what the compose file would start is started,
//! as processes.
//! Must never: need a container engine.

mod compose;
mod files;
mod started;
