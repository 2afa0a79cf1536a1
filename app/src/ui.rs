//! Leaf components: pure functions from values to markup, one language on every page. None of them
//! reads anything but its arguments, so each can be rendered in a test.

pub mod diagram;
pub mod fleet_map;
pub mod form;
pub mod gateways;
pub mod health;
pub mod history;
pub mod icon;
pub mod layout;
pub mod list;
pub mod operation;
pub mod time;
pub mod token;
