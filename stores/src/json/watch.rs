//! Which files others have touched, told by the system.
//!
//! inotify(7) queues a note before the call that makes the change returns. So whoever reads the queue first sees
//! every change that was done before, and nothing has to be looked at where nothing happened. Where there is no
//! inotify, every look is at all files.

use std::io;
use std::path::Path;

use wayfare_graph::Kind;

/// Kinds with a folder, in the order in which folders are read: nodes come before the edges that need them.
pub(super) const KINDS: [Kind; 4] = [Kind::Object, Kind::Node, Kind::Edge, Kind::Walker];

/// A file that somebody touched.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Touched {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// Written where it is, which may leave its size and time as they were, instead of replaced or removed.
    pub(super) in_place: bool,
}

/// What happened since the last look.
#[derive(Debug)]
pub(super) enum Noticed {
    /// Only these files were touched.
    Files(Vec<Touched>),
    /// Any file may have been touched.
    Anything,
}

#[cfg(target_os = "linux")]
pub(super) use linux::Watch;

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::Watch;

#[cfg(target_os = "linux")]
mod linux {
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;

    use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
    use rustix::io::Errno;

    use super::*;
    use crate::json::file_name::is_document;

    /// Room for some hundred notes at a time.
    const BUFFER_BYTES: usize = 32 << 10;

    #[derive(Debug)]
    pub(in super::super) struct Watch {
        inotify: OwnedFd,
        /// Written to in order to wake who waits.
        wake: OwnedFd,
        /// The kinds by the numbers of their watches.
        kinds: Vec<(i32, Kind)>,
    }

    impl Watch {
        /// Watches the folders of all kinds, which must be there; `None` where the system has no watch left.
        pub(in super::super) fn start(path: &Path) -> io::Result<Option<Self>> {
            let inotify = match inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK) {
                Ok(inotify) => inotify,
                Err(Errno::MFILE | Errno::NOMEM | Errno::NOSYS) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            // Attributes among them: a file that could not be read may be allowed to be.
            let flags = WatchFlags::CLOSE_WRITE
                | WatchFlags::ATTRIB
                | WatchFlags::MOVED_TO
                | WatchFlags::MOVED_FROM
                | WatchFlags::DELETE
                | WatchFlags::DELETE_SELF
                | WatchFlags::MOVE_SELF
                | WatchFlags::ONLYDIR;
            let mut kinds = Vec::new();
            for kind in KINDS {
                match inotify::add_watch(&inotify, path.join(kind.collection()), flags) {
                    Ok(number) => kinds.push((number, kind)),
                    // The user has used up the watches that the system allows.
                    Err(Errno::NOSPC) => return Ok(None),
                    Err(error) => return Err(error.into()),
                }
            }
            let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
            Ok(Some(Self { inotify, wake, kinds }))
        }

        /// What happened since the last call; it does not wait.
        pub(in super::super) fn noticed(&self) -> io::Result<Noticed> {
            let mut buffer = [MaybeUninit::<u8>::uninit(); BUFFER_BYTES];
            let mut reader = Reader::new(&self.inotify, &mut buffer);
            let mut files: Vec<Touched> = Vec::new();
            let mut anything = false;
            loop {
                let event = match reader.next() {
                    Ok(event) => event,
                    Err(Errno::AGAIN) => break,
                    Err(Errno::INTR) => continue,
                    Err(error) => return Err(error.into()),
                };
                let lost = ReadFlags::QUEUE_OVERFLOW | ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF;
                anything |= event.events().intersects(lost | ReadFlags::IGNORED);
                let kind = self.kinds.iter().find(|(number, _)| *number == event.wd()).map(|(_, kind)| *kind);
                // A name that is no text is none of an id; whoever checks the folder is told of it.
                let name =
                    event.file_name().and_then(|name| name.to_str().ok()).filter(|name| is_document(name));
                if let (Some(kind), Some(name)) = (kind, name) {
                    let in_place = event.events().contains(ReadFlags::CLOSE_WRITE);
                    files.push(Touched { kind, name: name.to_owned(), in_place });
                }
            }
            Ok(if anything { Noticed::Anything } else { Noticed::Files(files) })
        }

        /// Waits until something happens or somebody calls [`wake`](Self::wake).
        pub(in super::super) fn wait(&self) -> io::Result<()> {
            let mut both =
                [PollFd::new(&self.inotify, PollFlags::IN), PollFd::new(&self.wake, PollFlags::IN)];
            match poll(&mut both, None) {
                Ok(_) | Err(Errno::INTR) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }

        /// Ends every wait, present and to come.
        pub(in super::super) fn wake(&self) {
            // It fails only where it was written to so often that it wakes anyway.
            let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::*;

    #[derive(Debug)]
    pub(in super::super) enum Watch {}

    impl Watch {
        pub(in super::super) fn start(_: &Path) -> io::Result<Option<Self>> {
            Ok(None)
        }

        pub(in super::super) fn noticed(&self) -> io::Result<Noticed> {
            Ok(Noticed::Anything)
        }

        pub(in super::super) fn wait(&self) -> io::Result<()> {
            match *self {}
        }

        pub(in super::super) fn wake(&self) {
            match *self {}
        }
    }
}
