//! Nothing is told to anybody.

use super::By;
use crate::{Error, Negotiated, Wire};

#[derive(Debug, Default)]
pub(crate) struct Events {}

impl Events {
    pub(crate) fn begin(&mut self, _side: &'static str) {}

    pub(crate) fn backend(&mut self, _name: &'static str) {}

    pub(crate) fn moved(&mut self, _wire: &Wire, _before: usize) {}

    pub(crate) fn finished(&mut self, _facts: impl FnOnce() -> Negotiated) {}

    pub(crate) fn failed(&mut self, _why: &Error) {}

    pub(crate) fn alert_sent(&self, _new: &[u8]) {}

    pub(crate) fn keys_updated(&self, by: By) {
        match by {
            By::Limit | By::Program => {}
        }
    }

    pub(crate) fn close_sent(&self) {}

    pub(crate) fn close_received(&self) {}

    pub(crate) fn ended_without_close(&self) {}
}
