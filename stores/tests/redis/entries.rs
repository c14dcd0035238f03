use redis::Commands;

use super::*;

#[test]
fn what_was_put_is_found_with_its_tags_and_the_time_that_is_left() {
    let Some((one, other)) = two() else { return };
    block_on(async {
        assert_eq!(entry(&one, "a").await, None);
        set(&one, "a", "value", &["x", "y"]).await;
        let found = entry(&other, "a").await.unwrap();
        assert_eq!((&*found.value, &*found.tags), (&b"value"[..], &names(&["x", "y"])[..]));
        // Who copies it keeps it no longer than that.
        assert!(found.left <= HOUR && found.left > HOUR - PATIENCE, "{:?}", found.left);
        set(&other, "a", "", &[]).await;
        let found = entry(&one, "a").await.unwrap();
        assert_eq!((found.value.len(), found.tags.len()), (0, 0));
    });
}

#[test]
fn many_keys_are_looked_up_in_order() {
    let Some((one, _)) = cache() else { return };
    block_on(async {
        one.put(&[put("a", "1", &[]), put("b", "2", &["t"]), put("d", "4", &[])]).await.unwrap();
        let wanted =
            ["d", "c", "b", "a", "d"].map(|key| LookUp { key: key.into(), tags: names(&["t", "u"]) });
        let found = one.look_up(&wanted).await.unwrap();
        let values = found.iter().map(|found| found.entry.as_ref().map(|entry| entry.value[0]));
        assert_eq!(values.collect::<Vec<_>>(), [Some(b'4'), None, Some(b'2'), Some(b'1'), Some(b'4')]);
        assert_eq!(one.look_up(&[]).await.unwrap(), []);
        one.put(&[]).await.unwrap();
    });
}

#[test]
fn an_entry_ends_with_its_time_and_all_are_told() {
    let Some((one, _)) = cache() else { return };
    block_on(async {
        let heard = heard(&one);
        let short = RemotePut { ttl: Duration::from_millis(30), ..put("a", "1", &["t"]) };
        one.put(&[short]).await.unwrap();
        // A look-up just at its end finds nothing and leaves the key; the next one has the server remove it and tell.
        let begun = Instant::now();
        while !(entry(&one, "a").await.is_none() && heard.all().contains(&key("a"))) {
            assert!(begun.elapsed() < Duration::from_secs(60), "nobody was told");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}

#[test]
fn any_text_is_a_key_and_any_bytes_are_a_value() {
    let Some((one, _)) = cache() else { return };
    block_on(async {
        let keys = ["with space", "a\nb\r\n", "größe 日本", ":v:", "*?[a]\\", "\0", &"k".repeat(512)];
        for key in keys {
            let value: Arc<[u8]> = [key.as_bytes(), b"\xff\0\r\n"].concat().into();
            one.put(&[RemotePut { value: Arc::clone(&value), ..put(key, "", &[key]) }]).await.unwrap();
            let found = entry(&one, key).await.unwrap();
            assert_eq!((found.value, found.tags), (value, vec![key.to_owned()]));
        }
        for key in keys {
            assert_eq!(one.invalidate(&names(&[key])).await.unwrap(), 1, "{key}");
        }
    });
}

#[test]
fn names_that_are_empty_or_too_long_are_refused() {
    let Some((one, _)) = cache() else { return };
    block_on(async {
        for key in [String::new(), "k".repeat(513)] {
            for refused in [
                one.put(&[put(&key, "", &[])]).await.err(),
                one.put(&[put("a", "", &[&key])]).await.err(),
                one.delete(std::slice::from_ref(&key)).await.err(),
                one.invalidate(std::slice::from_ref(&key)).await.err(),
                one.look_up(&[LookUp { key, tags: vec![] }]).await.err(),
            ] {
                assert!(refused.unwrap().to_string().contains("1 to 512 bytes"));
            }
        }
    });
}

#[test]
fn large_values_are_kept_whole() {
    let Some((one, other)) = two() else { return };
    block_on(async {
        let value: Arc<[u8]> = (0..8 << 20).map(|index: u32| index.to_le_bytes()[0] ^ 0x5A).collect();
        one.put(&[RemotePut { value: Arc::clone(&value), ..put("a", "", &[]) }]).await.unwrap();
        assert!(entry(&other, "a").await.unwrap().value == value);
        let ticket = ticket(&other, "b", &[]).await;
        assert!(
            other.fill(&RemotePut { value: Arc::clone(&value), ..put("b", "", &[]) }, &ticket).await.unwrap()
        );
        assert!(entry(&one, "b").await.unwrap().value == value);
    });
}

#[test]
fn deleted_keys_are_gone_and_counted() {
    let Some((one, other)) = two() else { return };
    block_on(async {
        let puts: Vec<_> = (0..2_500).map(|index| put(&format!("k{index}"), "", &[])).collect();
        one.put(&puts).await.unwrap();
        let keys: Vec<_> = puts.into_iter().map(|put| put.key).collect();
        assert_eq!(other.delete(&names(&["k0", "none", "k1"])).await.unwrap(), 2);
        assert_eq!(other.delete(&keys).await.unwrap(), 2_498);
        assert_eq!(other.delete(&[]).await.unwrap(), 0);
        assert_eq!(entry(&one, "k7").await, None);
    });
}

#[test]
fn caches_of_two_prefixes_do_not_see_each_other() {
    let Some((one, prefix)) = cache() else { return };
    let other = open(Redis::shared().unwrap(), &format!("{prefix}.x"));
    block_on(async {
        let heard = heard(&other);
        set(&one, "a", "1", &["t"]).await;
        set(&other, "a", "2", &["t"]).await;
        assert_eq!(one.invalidate(&names(&["t"])).await.unwrap(), 1);
        set(&one, "a", "1", &["t"]).await;
        assert_eq!(one.delete_matching("*").await.unwrap(), 1);
        set(&one, "a", "1", &["t"]).await;
        one.clear().await.unwrap();
        assert_eq!(value(&one, "a").await, None);
        assert_eq!(value(&other, "a").await.as_deref(), Some("2"));
        assert_eq!(heard.all(), [RemoteChange::Back]);
    });
}

#[test]
fn what_others_left_at_our_keys_counts_as_nothing_and_is_written_over() {
    let Some((one, prefix)) = cache() else { return };
    let mut hand = by_hand(Redis::shared().unwrap());
    block_on(async {
        for key in ["text", "short", "list", "version"] {
            let name = format!("{prefix}:v:{key}");
            match key {
                "list" => _ = hand.lpush::<_, _, i64>(name, "x").unwrap(),
                "short" => hand.set::<_, _, ()>(name, b"\xCA\x01abc").unwrap(),
                "version" => hand.set::<_, _, ()>(name, [&b"\xCA\x02"[..], &[0; 40]].concat()).unwrap(),
                _ => hand.set::<_, _, ()>(name, "{\"some\": \"json\"}").unwrap(),
            }
            let found = look(&one, key, &["t"]).await;
            assert_eq!(found.entry, None, "{key}");
            assert!(one.fill(&put(key, "ours", &["t"]), &found.ticket).await.unwrap(), "{key}");
            assert_eq!(value(&one, key).await.as_deref(), Some("ours"));
        }
        // The same for the sets of tags.
        hand.set::<_, _, ()>(format!("{prefix}:t:u"), "text").unwrap();
        assert_eq!(one.invalidate(&names(&["u"])).await.unwrap(), 0);
        hand.set::<_, _, ()>(format!("{prefix}:t:u"), "text").unwrap();
        set(&one, "a", "1", &["u"]).await;
        assert_eq!(one.invalidate(&names(&["u"])).await.unwrap(), 1);
    });
}

#[test]
fn scripts_that_the_server_forgot_are_sent_again() {
    let Some(redis) = Redis::start() else { return };
    let one = open(&redis, "p");
    let mut hand = by_hand(&redis);
    block_on(async {
        let mut forget = || redis::cmd("SCRIPT").arg("FLUSH").query::<()>(&mut hand).unwrap();
        forget();
        let found = ticket(&one, "a", &["t"]).await;
        assert!(one.fill(&put("a", "1", &["t"]), &found).await.unwrap());
        forget();
        set(&one, "b", "2", &["t"]).await;
        assert_eq!(value(&one, "b").await.as_deref(), Some("2"));
        forget();
        assert_eq!(one.invalidate(&names(&["t"])).await.unwrap(), 2);
    });
}
