use redis::Commands;

use super::*;

#[test]
fn a_tag_takes_all_that_bears_it_and_nothing_else() {
    let Some((one, other)) = two() else { return };
    block_on(async {
        set(&one, "a", "1", &["t"]).await;
        set(&other, "b", "2", &["u", "t"]).await;
        set(&one, "c", "3", &["u"]).await;
        let found = ticket(&other, "d", &["t"]).await;
        assert!(other.fill(&put("d", "4", &["t"]), &found).await.unwrap());
        assert_eq!(one.invalidate(&names(&["t", "none"])).await.unwrap(), 3);
        for key in ["a", "b", "d"] {
            assert_eq!(entry(&one, key).await, None, "{key}");
        }
        assert_eq!(value(&one, "c").await.as_deref(), Some("3"));
        assert_eq!(other.invalidate(&names(&["t", "u"])).await.unwrap(), 1);
    });
}

#[test]
fn a_tag_of_many_keys_goes_in_steps() {
    let Some((one, prefix)) = cache() else { return };
    block_on(async {
        for chunk in 0..5 {
            let puts: Vec<_> =
                (0..700).map(|index| put(&format!("k{}", chunk * 700 + index), "", &["t"])).collect();
            one.put(&puts).await.unwrap();
        }
        assert_eq!(one.invalidate(&names(&["t"])).await.unwrap(), 3_500);
        let mut hand = by_hand(Redis::shared().unwrap());
        assert_eq!(hand.keys::<_, Vec<String>>(format!("{prefix}:[vt]:*")).unwrap(), [""; 0]);
    });
}

#[test]
fn the_set_of_a_tag_outlives_its_members_and_drops_those_that_ended() {
    let Some((one, prefix)) = cache() else { return };
    let mut hand = by_hand(Redis::shared().unwrap());
    let set_of_tag = format!("{prefix}:t:t");
    block_on(async {
        set(&one, "long", "", &["t"]).await;
        let left = || by_hand(Redis::shared().unwrap()).pttl::<_, i64>(&set_of_tag).unwrap();
        // At one moment, so that it does not matter when that is.
        let both = redis::pipe().atomic().pttl(&set_of_tag).pttl(format!("{prefix}:v:long")).query(&mut hand);
        let (of_set, of_member): (i64, i64) = both.unwrap();
        assert!(of_member > 3_500_000 && of_set > of_member, "{of_set} {of_member}");
        // One that ends earlier does not take time from it.
        one.put(&[RemotePut { ttl: Duration::from_millis(1), ..put("short", "", &["t"]) }]).await.unwrap();
        assert!(left() > 3_500_000, "{}", left());
        assert_eq!(hand.zcard::<_, u64>(&set_of_tag).unwrap(), 2);
        // Keys stay a second longer than their entries, and go with the next one.
        eventually("the ended key goes", async || {
            set(&one, "long", "", &["t"]).await;
            by_hand(Redis::shared().unwrap()).zcard::<_, u64>(&set_of_tag).unwrap() == 1
        })
        .await;
    });
}

#[test]
fn others_are_told_tags_and_keys_and_oneself_the_keys_that_went() {
    let Some((one, other)) = two() else { return };
    block_on(async {
        set(&other, "a", "1", &["t"]).await;
        // Before this is answered it is told, to nobody.
        one.health().await.unwrap();
        let (heard_by_one, heard_by_other) = (heard(&one), heard(&other));
        assert_eq!(one.invalidate(&names(&["t"])).await.unwrap(), 1);
        heard_by_other.until(&RemoteChange::Tag("t".into()));
        heard_by_other.until(&key("a"));
        assert_eq!(heard_by_one.next(), RemoteChange::Back);
        assert_eq!(heard_by_one.next(), key("a"));
        one.health().await.unwrap();
        assert_eq!(heard_by_one.all(), []);
    });
}
