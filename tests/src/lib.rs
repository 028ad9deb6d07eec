//! Acceptance tests across rooms.
