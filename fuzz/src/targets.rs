//! The targets of all floors.

/// What reads an input, and panics where something is wrong.
pub type Target = fn(&[u8]);

fn all() -> impl Iterator<Item = (&'static str, Target)> {
    let floors = [
        wayfare_graph::fuzzing::TARGETS,
        wayfare_stores::fuzzing::TARGETS,
        wayfare_actors::fuzzing::TARGETS,
        wayfare::fuzzing::TARGETS,
    ];
    floors.into_iter().flatten().copied()
}

/// The target of a name.
#[must_use]
pub fn find(name: &str) -> Option<Target> {
    all().find(|(known, _)| *known == name).map(|(_, target)| target)
}

/// The names of all targets.
#[must_use]
pub fn names() -> Vec<&'static str> {
    all().map(|(name, _)| name).collect()
}
