use super::*;

#[test]
fn stars_stand_for_any_text_question_marks_for_a_character_all_else_for_itself() {
    let Some((one, other)) = two() else { return };
    let keys = [
        "user:1",
        "user:12",
        "user:é",
        "user:1:name",
        "xuser:1",
        "[a-c]",
        "b",
        "a^",
        "a\\",
        "a]",
        "a\nb",
        "a*",
        "a?",
    ];
    block_on(async {
        for (pattern, matched) in [
            ("user:1", &["user:1"][..]),
            ("user:?", &["user:1", "user:é"]),
            ("user:*", &["user:1", "user:12", "user:é", "user:1:name"]),
            ("*:1*", &["user:1", "user:12", "user:1:name", "xuser:1"]),
            ("[a-c]", &["[a-c]"]),
            ("a^", &["a^"]),
            ("a\\", &["a\\"]),
            ("a]", &["a]"]),
            ("a?b", &["a\nb"]),
            ("a?", &["a^", "a\\", "a]", "a*", "a?"]),
            ("*u*s*e*r*", &["user:1", "user:12", "user:é", "user:1:name", "xuser:1"]),
            ("", &[]),
            ("none*", &[]),
            ("*", &keys),
        ] {
            one.put(&keys.map(|key| put(key, "", &[]))).await.unwrap();
            let removed = other.delete_matching(pattern).await.unwrap();
            assert_eq!(removed, matched.len() as u64, "{pattern}");
            for key in keys {
                assert_eq!(entry(&one, key).await.is_none(), matched.contains(&key), "{pattern} {key}");
            }
        }
    });
}

#[test]
fn what_goes_by_pattern_is_told_others() {
    let Some((one, other)) = two() else { return };
    block_on(async {
        set(&one, "a", "1", &[]).await;
        let (heard_by_one, heard_by_other) = (heard(&one), heard(&other));
        one.delete_matching("a*").await.unwrap();
        heard_by_other.until(&RemoteChange::Everything);
        heard_by_other.until(&key("a"));
        one.clear().await.unwrap();
        heard_by_other.until(&RemoteChange::Everything);
        one.health().await.unwrap();
        assert_eq!(heard_by_one.all(), [RemoteChange::Back]);
    });
}

#[test]
fn clearing_leaves_nothing_that_a_tag_does_not_know() {
    let Some((one, other)) = two() else { return };
    block_on(async {
        for _ in 0..20 {
            let puts: Vec<_> = (0..50).map(|index| put(&format!("k{index}"), "", &["t"])).collect();
            let (cleared, done) = futures_util::future::join(one.clear(), other.put(&puts)).await;
            cleared.unwrap();
            done.unwrap();
            one.invalidate(&names(&["t"])).await.unwrap();
            for put in puts {
                assert_eq!(entry(&one, &put.key).await, None);
            }
        }
        set(&one, "a", "", &[]).await;
        one.clear().await.unwrap();
        assert_eq!(entry(&one, "a").await, None);
    });
}
