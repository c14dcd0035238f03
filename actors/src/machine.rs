//! The memory of the machine, and what the control groups around this process leave of it.

use std::fs;
use std::path::{Path, PathBuf};

/// Where control groups are, on any machine that has some.
const GROUPS: &str = "/sys/fs/cgroup";

/// The names of what a control group tells, which differ between the two kinds of hierarchies.
struct Names {
    most: &'static str,
    used: &'static str,
    /// In `memory.stat`: pages of files, which are given back when they are needed.
    files: &'static str,
    /// Among them: those that are not, because no file is behind them.
    shared: &'static str,
    /// What the kernel keeps of names and files and gives back too, where that is told.
    reclaimable: Option<&'static str>,
}

const UNIFIED: Names = Names {
    most: "memory.max",
    used: "memory.current",
    files: "file ",
    shared: "shmem ",
    reclaimable: Some("slab_reclaimable "),
};

const OLD: Names = Names {
    most: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    files: "total_cache ",
    shared: "total_shmem ",
    reclaimable: None,
};

/// Memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) total: u64,
    pub(crate) available: u64,
}

/// The memory that this process may have, in bytes: that of the machine, or less where a control group is bounded.
/// `None` where nobody says.
#[must_use]
pub fn memory_of_process() -> Option<u64> {
    memories().into_iter().map(|memory| memory.total).min()
}

/// What the machine has, and each control group around this process that is bounded. Empty where nobody says.
pub(crate) fn memories() -> Vec<Memory> {
    let Some(machine) = of_machine() else { return Vec::new() };
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut all = vec![machine];
    all.extend(of_groups(Path::new(GROUPS), &groups).filter(|group| group.total < machine.total));
    all
}

/// What the kernel says in `/proc/meminfo`.
fn of_machine() -> Option<Memory> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kib = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some(Memory { total: kib("MemTotal:")? * 1_024, available: kib("MemAvailable:")? * 1_024 })
}

/// What the groups have that `/proc/self/cgroup` lists as `HIERARCHY:CONTROLLERS:PATH`, and those around them: the
/// tightest counts. Seen from within a container the paths may be those outside; the root of the hierarchy is the
/// container's own group then.
fn of_groups(root: &Path, listed: &str) -> impl Iterator<Item = Memory> {
    let groups = listed.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (hierarchy, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let is_old = controllers.split(',').any(|controller| controller == "memory");
        let path = path.trim_start_matches('/').to_owned();
        match (hierarchy, is_old) {
            ("0", _) => Some((root.to_owned(), path, UNIFIED)),
            (_, true) => Some((root.join("memory"), path, OLD)),
            _ => None,
        }
    });
    groups.flat_map(|(top, path, names)| {
        let around: Vec<PathBuf> = Path::new(&path).ancestors().map(|part| top.join(part)).collect();
        around.into_iter().filter_map(move |folder| of_group(&folder, &names))
    })
}

fn of_group(folder: &Path, names: &Names) -> Option<Memory> {
    let number =
        |file: &str| -> Option<u64> { fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok() };
    let (total, current) = (number(names.most)?, number(names.used)?);
    let stat = fs::read_to_string(folder.join("memory.stat")).ok()?;
    let told = |name: &str| -> u64 {
        let line = stat.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
    };
    let files = told(names.files).saturating_sub(told(names.shared));
    let given_back = files.saturating_add(names.reclaimable.map_or(0, told));
    Some(Memory { total, available: total.saturating_sub(current.saturating_sub(given_back)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(folder: &Path, names: &Names, [most, used]: [&str; 2], stat: &str) {
        fs::create_dir_all(folder).unwrap();
        for (file, text) in [(names.most, most), (names.used, used), ("memory.stat", stat)] {
            fs::write(folder.join(file), text).unwrap();
        }
    }

    #[test]
    fn the_groups_around_a_process_are_found_and_files_count_as_free_but_for_shared_memory() {
        let root = tempfile::tempdir().unwrap();
        let stat = "anon 500\nfile 300\nshmem 100\nfile_mapped 7\nslab_reclaimable 50\nslab 90\n";
        group(&root.path().join("a"), &UNIFIED, ["1000\n", "900\n"], stat);
        group(&root.path().join("a/b"), &UNIFIED, ["max\n", "900\n"], stat);
        let found: Vec<Memory> = of_groups(root.path(), "1:name=systemd:/a\n0::/a/b\n").collect();
        assert_eq!(found, [Memory { total: 1_000, available: 350 }]);
        assert_eq!(of_groups(root.path(), "0::/elsewhere\n").count(), 0);
        assert_eq!(of_groups(root.path(), "nonsense\n\n").count(), 0);
    }

    #[test]
    fn the_root_counts_where_the_path_is_that_outside_of_a_container() {
        let root = tempfile::tempdir().unwrap();
        group(root.path(), &UNIFIED, ["500", "100"], "");
        group(&root.path().join("memory"), &OLD, ["400", "100"], "total_cache 50\ntotal_shmem 60\n");
        let found: Vec<Memory> =
            of_groups(root.path(), "12:cpu,memory:/docker/x\n0::/../outside\n").collect();
        assert!(found.contains(&Memory { total: 400, available: 300 }), "{found:?}");
        assert!(found.contains(&Memory { total: 500, available: 400 }), "{found:?}");
    }

    #[test]
    fn a_process_may_have_no_more_than_its_machine() {
        if let Some(machine) = of_machine() {
            assert!(memory_of_process().is_some_and(|most| most > 0 && most <= machine.total));
        }
    }
}
