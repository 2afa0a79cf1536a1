//! The only code that reaches the browser as WebAssembly. Islands take no properties and read the
//! page itself, so they stay small and work on markup that arrives later.

#[cfg(feature = "hydrate")]
mod clock;
pub mod comforts;
#[cfg(feature = "hydrate")]
mod dialog;
#[cfg(feature = "hydrate")]
mod dom;
#[cfg(feature = "hydrate")]
mod listen;
pub mod live;
#[cfg(feature = "hydrate")]
mod page;
#[cfg(feature = "hydrate")]
mod secret;
#[cfg(feature = "hydrate")]
mod stream;
#[cfg(any(test, feature = "hydrate"))]
mod words;
