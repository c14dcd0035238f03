//! A walk as an actor: its address, mailbox and lifecycle. The worker runs its hooks.
//!
//! - Owns: its place among the walks that its worker hosts.
//! - Accepts: `Records` (a shard's answer), `Cancel`, `LookUp` (pause and resume), `InspectWalk`.
//! - Sends: nothing itself; the worker asks shards in its name.
//! - Dies when: the walk has ended, or its worker's thread has.

use std::cell::RefCell;
use std::rc::Weak;

use actix::prelude::*;
use serde_json::Value;

use crate::engine::{Engine, within};
use crate::messages::Records;

/// The actor.
pub(crate) struct WalkActor {
    pub(crate) engine: Weak<RefCell<Engine>>,
    /// Its number among the walks of the engine.
    pub(crate) seat: usize,
    /// The walk's own number: seats are given to other walks.
    pub(crate) walk: u64,
    pub(crate) mailbox: usize,
}

impl Actor for WalkActor {
    type Context = Context<Self>;

    fn started(&mut self, cx: &mut Context<Self>) {
        cx.set_mailbox_capacity(self.mailbox);
    }
}

impl Handler<Records> for WalkActor {
    type Result = ();

    fn handle(&mut self, records: Records, _: &mut Context<Self>) {
        within(&self.engine, |engine| engine.arrive(self.seat, self.walk, records));
    }
}

/// Ends the walk with an error as soon as its present hook has returned.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Cancel;

impl Handler<Cancel> for WalkActor {
    type Result = ();

    fn handle(&mut self, _: Cancel, _: &mut Context<Self>) {
        within(&self.engine, |engine| engine.cancel(self.seat, self.walk));
    }
}

/// Makes the walk look whether it is to stand still or to go on.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct LookUp;

impl Handler<LookUp> for WalkActor {
    type Result = ();

    fn handle(&mut self, _: LookUp, _: &mut Context<Self>) {
        within(&self.engine, |engine| engine.look_up(self.seat, self.walk));
    }
}

/// What the walk is doing, as JSON.
#[derive(Message)]
#[rtype(result = "Option<Value>")]
pub(crate) struct InspectWalk;

impl Handler<InspectWalk> for WalkActor {
    type Result = Option<Value>;

    fn handle(&mut self, _: InspectWalk, _: &mut Context<Self>) -> Option<Value> {
        within(&self.engine, |engine| engine.inspect(self.seat, self.walk)).flatten()
    }
}

/// The walk has ended.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct End;

impl Handler<End> for WalkActor {
    type Result = ();

    fn handle(&mut self, _: End, cx: &mut Context<Self>) {
        cx.stop();
    }
}
