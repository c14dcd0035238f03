//! What a walker type can do beyond having hooks, found out where its type is known.
//!
//! A macro sees tokens, not traits. It writes `(&Probe::<T>::new()).make()`, and method lookup takes the
//! impl on `Probe<T>` where its bound holds, else the one on `&Probe<T>`, one reference further (David Tolnay, "Autoref-based stable specialization", 2019).

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::walker::{ErasedWalker, MakeWalker, Walker};

/// Stands for a type whose traits are asked for.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

impl<T> Probe<T> {
    /// A probe for `T`.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "only macros make probes, and they name the type")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// Chosen where the type deserialises.
pub trait CanMake {
    /// How to make one of JSON arguments.
    fn make(&self) -> Option<MakeWalker>;
}

impl<T: Walker + DeserializeOwned> CanMake for Probe<T> {
    fn make(&self) -> Option<MakeWalker> {
        Some(|arguments| match serde_path_to_error::deserialize::<_, T>(arguments) {
            Ok(walker) => Ok(Box::new(walker) as Box<dyn ErasedWalker>),
            Err(error) => Err(error.to_string()),
        })
    }
}

/// Chosen where it does not.
pub trait CannotMake {
    /// None.
    fn make(&self) -> Option<MakeWalker>;
}

impl<T> CannotMake for &Probe<T> {
    fn make(&self) -> Option<MakeWalker> {
        None
    }
}

/// Chosen where the type serialises.
pub trait CanShow<T> {
    /// The value as JSON.
    fn show(&self, value: &T) -> Option<Value>;
}

impl<T: Serialize> CanShow<T> for Probe<T> {
    fn show(&self, value: &T) -> Option<Value> {
        serde_json::to_value(value).ok()
    }
}

/// Chosen where it does not.
pub trait CannotShow<T> {
    /// None.
    fn show(&self, value: &T) -> Option<Value>;
}

impl<T> CannotShow<T> for &Probe<T> {
    fn show(&self, _value: &T) -> Option<Value> {
        None
    }
}
