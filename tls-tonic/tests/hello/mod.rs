//! The service `hello.Greeter`, as tonic's generator writes one, by hand and shorter: nobody
//! needs protoc, and no macro is built, which would turn features on of what builds BoringSSL.
//!
//! ```proto
//! syntax = "proto3";
//! package hello;
//! message HelloRequest { string name = 1; }
//! message HelloReply { string message = 1; bytes payload = 2; }
//! service Greeter {
//!   rpc Greet(HelloRequest) returns (HelloReply);
//!   rpc Chat(stream HelloRequest) returns (stream HelloReply);
//! }
//! ```

#![allow(dead_code, missing_docs, unreachable_pub)] // as what is generated

include!("service.rs");
