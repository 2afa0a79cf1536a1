//! The only code that reaches the browser as WebAssembly. Islands take no properties and read the
//! page itself, so they stay small and work on markup that arrives later.

pub mod comforts;
pub mod live;
