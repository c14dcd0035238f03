//! An interval of a runtime as a page.

use super::frame::{Frame, Line, Tone};
use super::health::Health;
use super::summary::{Cache, Mailbox, Named, Summary, Times, Walks, Workers, Writers};
use super::units::{bytes, duration, number, percent, rate, time};

/// All sections, without a head.
pub(super) fn page(summary: &Summary) -> Frame {
    let mut frame = Frame::default();
    health(&mut frame, &summary.health);
    walks(&mut frame, &summary.walks);
    let admission = &summary.admission;
    frame.push(
        Line::named("admission")
            .figure("waiting", more_is(Tone::Warning, admission.waiting), number(admission.waiting))
            .figure("admitted", Tone::Plain, rate(admission.admitted_rate))
            .figure("made to wait", Tone::Plain, rate(admission.queued_rate))
            .figure("refused", more_is(Tone::Bad, admission.refused_rate), rate(admission.refused_rate))
            .figure("refused in all", Tone::Plain, number(admission.refused)),
    );
    workers(&mut frame, &summary.workers);
    let memory = &summary.memory;
    frame.push(
        Line::named("shards")
            .figure("resident", Tone::Plain, bytes(memory.resident_bytes))
            .figure("of", Tone::Plain, bytes(memory.bound_bytes))
            .figure("held", Tone::Plain, bytes(memory.held_bytes))
            .figure("records", Tone::Plain, number(memory.records))
            .figure(
                "read-ahead slowed",
                more_is(Tone::Warning, memory.read_ahead_slowed_rate),
                rate(memory.read_ahead_slowed_rate),
            ),
    );
    writers(&mut frame, &summary.writers);
    cache(&mut frame, &summary.cache);
    mailboxes(&mut frame, &summary.mailboxes);
    let errors = summary.store_errors;
    let slow = Line::named("slow");
    frame.push(each(slow, &summary.slow, Tone::Warning, number).figure(
        "failed store calls",
        more_is(Tone::Bad, errors),
        number(errors),
    ));
    frame
}

/// The first line: who is shown, and how long it has run.
pub(super) fn head(address: &str, summary: Option<&Summary>) -> Line {
    let line = Line::default().with(Tone::Title, "wayfare").with(Tone::Plain, format!(" at {address}"));
    let Some(summary) = summary else { return line };
    let line = line
        .figure("version", Tone::Plain, &summary.version)
        .figure("up", Tone::Plain, duration(summary.uptime_seconds))
        .figure("over", Tone::Plain, time(Some(summary.interval_seconds)));
    let line = if summary.restarted { line.with(Tone::Warning, "   started again") } else { line };
    if summary.draining { line.with(Tone::Warning, "   being stopped") } else { line }
}

/// The tone of a figure that should be zero.
fn more_is(tone: Tone, value: f64) -> Tone {
    if value > 0.0 { tone } else { Tone::Plain }
}

fn tone_of(state: &str) -> Tone {
    match state {
        "well" => Tone::Good,
        "impaired" => Tone::Warning,
        _ => Tone::Bad,
    }
}

fn health(frame: &mut Frame, health: &Health) {
    let line = Line::named("health").with(tone_of(&health.state), &health.state);
    frame.push(match &health.reason {
        Some(reason) => line.with(Tone::Plain, format!(": {reason}")),
        None => line,
    });
    for part in health.parts.iter().filter(|part| part.state != "well") {
        let line = Line::named("").with(tone_of(&part.state), format!("{} {}", part.part, part.state));
        frame.push(
            line.with(Tone::Plain, format!(": {}", part.reason.as_deref().unwrap_or("no reason told"))),
        );
    }
}

fn walks(frame: &mut Frame, walks: &Walks) {
    let line = Line::named("walks")
        .figure("alive", Tone::Plain, number(walks.alive))
        .figure("of", Tone::Plain, number(walks.max))
        .figure("visits", Tone::Plain, rate(walks.visits_rate))
        .figure("started", Tone::Plain, rate(walks.started_rate))
        .figure("ended", Tone::Plain, rate(walks.ended_rate));
    frame.push(times(line, "a walk", walks.seconds));
    frame.push(each(Line::named("  now"), &walks.by_state, Tone::Plain, number));
    let line = each(Line::named("  ended"), &walks.ended_by_outcome_rate, Tone::Plain, rate);
    frame.push(line.figure(
        "dead letters",
        more_is(Tone::Bad, walks.dead_letters),
        number(walks.dead_letters),
    ));
}

fn workers(frame: &mut Frame, workers: &Workers) {
    frame.push(Line::named("workers").figure("working", Tone::Plain, number(workers.working)).figure(
        "stalled",
        more_is(Tone::Bad, workers.stalled),
        number(workers.stalled),
    ));
    frame.push(each(Line::named("restarts"), &workers.restarts, Tone::Warning, number));
}

fn writers(frame: &mut Frame, writers: &Writers) {
    let in_commit = writers.writes_in_commit.map_or_else(|| "-".to_owned(), number);
    let line = Line::named("writer")
        .figure("commits", Tone::Plain, rate(writers.commits_rate))
        .figure("writes", Tone::Plain, rate(writers.writes_rate))
        .figure("in a commit", Tone::Plain, in_commit)
        .figure("under way", Tone::Plain, number(writers.under_way));
    frame.push(if writers.poisoned { line.with(Tone::Bad, "   refuses writes") } else { line });
    let line = times(Line::named(""), "a commit", writers.commit_seconds);
    let line = times(line, "flush lag", writers.flush_lag_seconds);
    frame.push(
        line.figure(
            "conflicts",
            more_is(Tone::Warning, writers.conflicts_rate),
            rate(writers.conflicts_rate),
        )
        .figure("in all", Tone::Plain, number(writers.conflicts)),
    );
}

fn cache(frame: &mut Frame, cache: &Cache) {
    let mut line = Line::named("cache");
    for layer in &cache.layers {
        let told = format!("{} of {}", percent(layer.hit_ratio), rate(layer.lookups_rate));
        line = line.figure(&layer.layer, Tone::Plain, told);
    }
    frame.push(line);
    frame.push(
        Line::named("  results")
            .figure("in memory", Tone::Plain, number(cache.entries))
            .figure("with", Tone::Plain, bytes(cache.bytes))
            .figure("computed", Tone::Plain, rate(cache.computed_rate))
            .figure(
                "remote errors",
                more_is(Tone::Bad, cache.remote_errors_rate),
                rate(cache.remote_errors_rate),
            )
            .figure("undelivered", more_is(Tone::Warning, cache.undelivered), number(cache.undelivered)),
    );
}

fn mailboxes(frame: &mut Frame, mailboxes: &[Mailbox]) {
    for (index, mailbox) in mailboxes.iter().enumerate() {
        let line = Line::named(if index == 0 { "mailboxes" } else { "" }).figure(
            &format!("{:<6} depth", mailbox.actor),
            Tone::Plain,
            format!("{:>6}", number(mailbox.depth)),
        );
        frame.push(times(line, "wait", mailbox.wait_seconds));
    }
}

fn times(line: Line, of: &str, times: Times) -> Line {
    line.figure(&format!("{of} p50"), Tone::Plain, time(times.p50)).figure(
        "p99",
        Tone::Plain,
        time(times.p99),
    )
}

/// Figures by their labels; those that are not zero in a tone.
fn each(line: Line, figures: &[Named], tone: Tone, show: fn(f64) -> String) -> Line {
    let add = |line: Line, figure: &Named| {
        line.figure(&figure.name.replace('_', " "), more_is(tone, figure.value), show(figure.value))
    };
    figures.iter().fold(line, add)
}

#[cfg(test)]
mod tests;
