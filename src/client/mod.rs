//! HTTP calls of the dataset API.
