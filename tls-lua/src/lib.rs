//! TLS for Lua 5.4 and LuaJIT, on any TLS library that polytls has.
//!
//! What is built is a module for Lua, not a library for Rust. It has the API of lua-libtls (`libtls`,
//! `libtls.config`) and that of lem-ssl (`lem.ssl`), whose words wait in coroutines. `docs/lua.md` is the
//! manual.
//!
//! - `ffi.rs`: where Lua comes in, and descriptors, which are only numbers in Lua.
//! - `config/`: what can be set, and what is made of it for a backend.
//! - `context/`: a connection with libtls' calls.
//! - `words/`: a stream with lem-ssl's words, down to the point where a coroutine waits.
//! - `lua/`: that point, and a scheduler, in Lua: only there can a coroutine be suspended.

mod config;
mod constants;
mod context;
mod descriptor;
mod dial;
mod ffi;
mod module;
mod reply;
mod words;
