//! What the server does by itself, so that nobody comes in between.
//!
//! What a script writes counts as written by nobody in particular: the server tells it back to the connection that
//! ran the script. So entries are written by commands, within a transaction with the script that decides.

use redis::Cmd;

/// How much longer than its entry a key stays in the set of a tag: the server's clock may have gone on between.
macro_rules! keep {
    () => {
        r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function keep(set, key, ttl)
    local left = ttl + 1000
    if redis.call('TYPE', set).ok ~= 'zset' then
        redis.call('DEL', set)
    end
    redis.call('ZREMRANGEBYSCORE', set, '-inf', now)
    redis.call('ZADD', set, now + left, key)
    if redis.call('PTTL', set) < left then
        redis.call('PEXPIRE', set, left)
    end
end
"
    };
}

/// Puts a key into the sets of tags, with when it ends as its score, and drops from them what has ended.
///
/// KEYS: the sets. ARGV: the key, its TTL in ms.
const TAG: &str = concat!(
    keep!(),
    r"
for index = 1, #KEYS do
    keep(KEYS[index], ARGV[1], tonumber(ARGV[2]))
end
return 1
"
);

/// Looks whether a ticket is good, and if so puts the entry where the transaction takes it from, and its key into the
/// sets of its tags.
///
/// An entry that is there must be the one that was there when the ticket was given. Where there is none any more it
/// has expired: whoever removes one changes a guard.
///
/// KEYS: the entry, where it is put, the guards of the key, of all and of the tags, the sets of the tags. ARGV: the
/// key, its TTL in ms, the entry, what entries begin with, the end of the ticket's life in s, the stamp of the entry
/// that was there, the guards as they were; empty for none.
const FILL: &str = concat!(
    keep!(),
    r"
if tonumber(time[1]) > tonumber(ARGV[5]) then
    return 0
end
local tags = (#KEYS - 4) / 2
for index = 3, 4 + tags do
    if (redis.pcall('GET', KEYS[index]) or '') ~= ARGV[index + 4] then
        return 0
    end
end
local head = redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[4] + 11)
if type(head) == 'string' and #head == #ARGV[4] + 12 and string.sub(head, 1, #ARGV[4]) == ARGV[4]
    and string.sub(head, #ARGV[4] + 1) ~= ARGV[6] then
    return 0
end
for index = 5 + tags, #KEYS do
    keep(KEYS[index], ARGV[1], tonumber(ARGV[2]))
end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[2])
return 1
"
);

/// Takes keys from the set of a tag and removes their entries. Tells how many it took, and how many entries there
/// were. Nothing can end it between the two, after which entries would be left that the set does not know.
///
/// KEYS: the set. ARGV: what names of entries begin with, the most keys to take.
const SWEEP: &str = r"
local taken = redis.pcall('ZPOPMIN', KEYS[1], ARGV[2])
if taken.err then
    redis.call('UNLINK', KEYS[1])
    return { 0, 0 }
end
local names = {}
for index = 1, #taken, 2 do
    names[#names + 1] = ARGV[1] .. taken[index]
end
if #names == 0 then
    return { 0, 0 }
end
return { #names, redis.call('UNLINK', unpack(names)) }
";

/// All scripts, in the order of [`Script`].
pub(super) const TEXTS: [&str; 3] = [TAG, FILL, SWEEP];

/// A script.
#[derive(Debug, Clone, Copy)]
pub(super) enum Script {
    Tag,
    Fill,
    Sweep,
}

/// How scripts are named to the server.
#[derive(Clone, Copy)]
pub(super) enum Scripts<'a> {
    /// By the hashes that the server gave when it was sent the scripts.
    Hashes(&'a [String; TEXTS.len()]),
    /// By their texts, where it has forgotten them.
    Texts,
}

impl Scripts<'_> {
    /// Calls a script with a number of keys, which are to be added, and arguments after them.
    pub(super) fn call(self, script: Script, keys: usize) -> Cmd {
        let index = script as usize;
        let (command, name) = match self {
            Self::Hashes(hashes) => ("EVALSHA", hashes[index].as_str()),
            Self::Texts => ("EVAL", TEXTS[index]),
        };
        let mut call = Cmd::new();
        call.arg(command).arg(name).arg(keys);
        call
    }
}
