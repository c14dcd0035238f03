use redis::Commands;

use super::*;

/// Whether a fill of `a` with the tag `t` is kept when something is done between it and its look-up.
async fn is_kept_after(one: &dyn RemoteCache, between: impl Future<Output = ()>) -> bool {
    let ticket = ticket(one, "a", &["t"]).await;
    between.await;
    one.fill(&put("a", "computed", &["t"]), &ticket).await.unwrap()
}

#[test]
fn a_fill_is_kept_when_nothing_came_between() {
    let Some((one, other)) = two() else { return };
    block_on(async {
        let between = async {
            set(&other, "b", "", &["t"]).await;
            other.delete(&names(&["b", "c"])).await.unwrap();
            other.invalidate(&names(&["u"])).await.unwrap();
        };
        assert!(is_kept_after(&one, between).await);
        assert_eq!(value(&other, "a").await.as_deref(), Some("computed"));
        // In place of what was there when it was looked up.
        assert!(is_kept_after(&one, async {}).await);
    });
}

#[test]
fn a_fill_is_refused_when_something_it_rests_on_has_changed() {
    let Some((one, other)) = two() else { return };
    block_on(async {
        for by in [&one as &dyn RemoteCache, &other] {
            for is_there in [false, true] {
                let prepare = async || {
                    match is_there {
                        true => set(&one, "a", "before", &["t"]).await,
                        false => _ = one.delete(&names(&["a"])).await.unwrap(),
                    };
                };
                prepare().await;
                assert!(!is_kept_after(&one, async { _ = by.delete(&names(&["a"])).await.unwrap() }).await);
                prepare().await;
                assert!(
                    !is_kept_after(&one, async { _ = by.invalidate(&names(&["t"])).await.unwrap() }).await
                );
                prepare().await;
                assert!(!is_kept_after(&one, async { _ = by.delete_matching("z*").await.unwrap() }).await);
                prepare().await;
                assert!(!is_kept_after(&one, async { by.clear().await.unwrap() }).await);
                prepare().await;
                assert!(!is_kept_after(&one, async { set(by, "a", "set", &[]).await }).await);
                assert_eq!(value(&one, "a").await.as_deref(), Some("set"));
                let set_and_delete = async {
                    set(by, "a", "set", &[]).await;
                    by.delete(&names(&["a"])).await.unwrap();
                };
                assert!(!is_kept_after(&one, set_and_delete).await);
            }
        }
    });
}

#[test]
fn of_two_fills_that_race_one_is_kept() {
    let Some((one, other)) = two() else { return };
    block_on(async {
        for is_there in [false, true] {
            if is_there {
                set(&one, "a", "before", &[]).await;
            }
            let (first, second) = (ticket(&one, "a", &[]).await, ticket(&other, "a", &[]).await);
            assert!(one.fill(&put("a", "first", &[]), &first).await.unwrap());
            assert!(!other.fill(&put("a", "second", &[]), &second).await.unwrap());
            assert!(!one.fill(&put("a", "again", &[]), &first).await.unwrap());
            assert_eq!(value(&one, "a").await.as_deref(), Some("first"));
        }
    });
}

#[test]
fn a_fill_is_kept_when_what_was_there_has_only_expired() {
    let Some((one, _)) = cache() else { return };
    block_on(async {
        // On a machine that has much else to do a short time may be over before the look-up.
        let mut ttl = Duration::from_millis(300);
        let found = loop {
            one.put(&[RemotePut { ttl, ..put("a", "old", &[]) }]).await.unwrap();
            let found = look(&one, "a", &[]).await;
            if found.entry.is_some() {
                break found;
            }
            ttl *= 2;
            assert!(ttl < PATIENCE / 2, "it is never found");
        };
        eventually("it ends", async || entry(&one, "a").await.is_none()).await;
        assert!(one.fill(&put("a", "new", &[]), &found.ticket).await.unwrap());
    });
}

#[test]
fn a_ticket_is_for_its_key_and_its_tags() {
    let Some((one, _)) = cache() else { return };
    block_on(async {
        let given = ticket(&one, "a", &["t", "u"]).await;
        assert!(!one.fill(&put("b", "", &["t"]), &given).await.unwrap());
        assert!(!one.fill(&put("a", "", &["t", "v"]), &given).await.unwrap());
        assert!(!one.fill(&put("a", "", &[]), &Ticket::default()).await.unwrap());
        // Fewer than were looked up, and in another order.
        assert!(one.fill(&put("a", "", &["u"]), &given).await.unwrap());
        let given = ticket(&one, "a", &["t", "u"]).await;
        assert!(one.fill(&put("a", "", &["u", "t"]), &given).await.unwrap());
        assert_eq!(one.invalidate(&names(&["t"])).await.unwrap(), 1);
    });
}

#[test]
fn a_ticket_is_good_for_its_life_and_guards_live_longer() {
    let Some((one, prefix)) = cache() else { return };
    block_on(async {
        let Ticket(mut parts) = ticket(&one, "a", &[]).await;
        // The second part is when it was given.
        let given = u64::from_be_bytes(parts[1].as_deref().unwrap().try_into().unwrap());
        let life = wayfare_graph::TICKET_LIFE.as_secs();
        parts[1] = Some((given - life - 1).to_be_bytes().to_vec());
        assert!(!one.fill(&put("a", "", &[]), &Ticket(parts.clone())).await.unwrap());
        parts[1] = Some((given - life + 30).to_be_bytes().to_vec());
        assert!(one.fill(&put("a", "", &[]), &Ticket(parts)).await.unwrap());
        one.delete(&names(&["a"])).await.unwrap();
        let mut hand = by_hand(Redis::shared().unwrap());
        let left: u64 = hand.pttl(format!("{prefix}:g:k:a")).unwrap();
        assert!(left > life * 1_500, "{left}");
    });
}
