//! Traces and bundles of finished particles.

use std::sync::Arc;

use ipld_core::ipld::Ipld;
use marine_air::Limits;
use marine_air::sim::{Net, Run, Scenario, Stub};
use marine_air::trace::{BundleError, RowState, Trace, TraceError, Values, decode_bundle, encode_bundle, verify};
use serde_json::json;

use crate::edits::{break_signature, edit, entries, field, segment, segments, values};

const SCRIPT: &str = r#"(seq
  (seq
    (call "@shop" ("stock" "count") ["pears"] n)
    (call "@shop" ("stock" "prices") [] ps))
  (seq
    (fold ps i
      (par
        (call "@bank" ("pay" "check") [i "EUR"] c)
        (next i)))
    (seq
      (xor
        (call "@bank" ("pay" "refuse") [n.$.x])
        (call "@bank" ("log" "write") [:error:.$.error_code]))
      (call %init_peer_id% ("callback" "done") [n]))))"#;

fn scenario() -> Scenario {
    Scenario::new(SCRIPT, ["client", "shop", "bank"])
        .stub(Stub::new("stock.count").ok(12))
        .stub(Stub::new("stock.prices").json(json!([12, 7, 9])))
        .stub(Stub::new("pay.check").args([json!(7), json!("EUR")]).silent())
        .stub(Stub::new("pay.check").args([json!(9), json!("EUR")]).ok("paid"))
        .stub(Stub::new("pay.check").error(4, "no funds"))
        .stub(Stub::new("*.*"))
        .net(Net { delay: 1..=1, ..Net::default() })
}

fn trace(run: &mut Run, peer: &str) -> Trace {
    let (particle, data) = decode_bundle(&run.bundle(peer).unwrap(), &Limits::default()).unwrap();
    let aliases = run.world.peers().iter().map(|(name, key)| (key.peer_id().to_base58(), name.to_owned()));
    verify(&Arc::new(particle), data, &Limits::default()).unwrap().with_aliases(aliases)
}

#[test]
fn a_trace_tells_every_call_that_is_known() {
    let mut run = scenario().run(1).unwrap();
    insta::assert_snapshot!(trace(&mut run, "client"), @r#"
    particle bafyr4if57ah…  init client  2023-11-14T22:13:20Z  ttl 60 s  signature ok
      3:5           shop    stock.count("pears")  ok 12                        signed 1/5
      4:5           shop    stock.prices()        ok [12,7,9]                  signed 2/5
      8:9   i = 12  bank    pay.check(12, "EUR")  failed 10000 no funds        signed 1/5
      8:9   i = 7   bank    pay.check(7, "EUR")   waiting, sent by shop, bank
      8:9   i = 9   bank    pay.check(9, "EUR")   ok "paid"                    signed 2/5
      12:9          bank    pay.refuse(?)         failed 10007 value '12' is not an map-type to match …
      13:9          bank    log.write(10007)      ok bafyr4idbvg7…             signed 3/5
      14:7          client  callback.done(12)     ok bafyr4idbvg7…             signed 2/2
    outcome: complete   entries: 12 verified, 0 void, 0 unreached   logs: shop 5, bank 5, client 2
    "#);
    insta::assert_snapshot!(trace(&mut run, "shop"), @r#"
    particle bafyr4if57ah…  init client  2023-11-14T22:13:20Z  ttl 60 s  signature ok
      3:5          shop  stock.count("pears")  ok 12                  signed 1/5
      4:5          shop  stock.prices()        ok [12,7,9]            signed 2/5
      8:9  i = 12  bank  pay.check(12, "EUR")  waiting, sent by shop
      8:9  i = 7   bank  pay.check(7, "EUR")   waiting, sent by shop
      8:9  i = 9   bank  pay.check(9, "EUR")   waiting, sent by shop
    outcome: running   entries: 6 verified, 0 void, 0 unreached   logs: shop 5, client 1
    "#);
}

#[test]
fn a_trace_is_data_too() {
    let mut run = scenario().run(1).unwrap();
    let trace = trace(&mut run, "client");
    let json = serde_json::to_value(&trace).unwrap();
    let row = serde_json::to_string_pretty(&json["rows"][4]).unwrap();
    let bank = run.world.peers().id("bank").unwrap().to_base58();
    insta::assert_snapshot!(row.replace(&bank, "BANK"), @r#"
    {
      "args": [
        9,
        "EUR"
      ],
      "cid": "bafyr4icinrktclafmaiqahfagkgqtqnm7dm2rxcn5puaastrns7qslr3ku",
      "column": 9,
      "frames": [
        {
          "index": 2,
          "iterator": "i",
          "value": 9
        }
      ],
      "function": "check",
      "instruction": "call \"BANK\" (\"pay\" \"check\") [i \"EUR\"] c",
      "line": 8,
      "peer": "BANK",
      "service": "pay",
      "signed": {
        "by": "BANK",
        "entry": 2,
        "length": 5
      },
      "state": "ok",
      "statements": [
        {
          "by": "12D3KooWHhzYMyZ8ECW6xHU2KKwbFdF7gApH9aU1FapH526ArFvM",
          "entry": 5,
          "length": 5,
          "missing": [],
          "says": "sent",
          "to": "BANK"
        },
        {
          "by": "BANK",
          "entry": 2,
          "length": 5,
          "says": "ok"
        }
      ],
      "value": "paid"
    }
    "#);
    assert_eq!(json["outcome"], json!({"is": "complete"}));
    assert!(!trace.expired(1_700_000_059_999));
    assert!(trace.expired(1_700_000_060_000));
}

/// What a call with arguments, one that failed before it was executed, and one that waits look like in full.
#[test]
fn a_place_is_told_in_full() {
    let mut run = scenario().run(1).unwrap();
    let trace = trace(&mut run, "client");
    assert_eq!(trace.places(), [(3, 5), (4, 5), (8, 9), (12, 9), (13, 9), (14, 7)]);
    assert_eq!(trace.place(1, 1, Values::Short), None);
    let text = [trace.place(8, 9, Values::Full), trace.place(12, 9, Values::Cid)].map(Option::unwrap).join("\n\n");
    insta::assert_snapshot!(run.world.peers().with_names_in(&text), @r#"
    8:9  call "@bank" ("pay" "check") [i "EUR"] c
      iteration  i = 12
      peer       bank
      call       pay.check(12, "EUR")
      argument   0: 12
      argument   1: "EUR"
      state      failed 10000 no funds
      entry      shop 3/5: sent to bank
      entry      bank 1/5: it failed

    8:9  call "@bank" ("pay" "check") [i "EUR"] c
      iteration  i = 7
      peer       bank
      call       pay.check(7, "EUR")
      argument   0: 7
      argument   1: "EUR"
      state      waiting, sent by shop, bank
      entry      shop 4/5: sent to bank
      entry      bank 5/5: it is at work on it

    8:9  call "@bank" ("pay" "check") [i "EUR"] c
      iteration  i = 9
      peer       bank
      call       pay.check(9, "EUR")
      argument   0: 9
      argument   1: "EUR"
      state      ok "paid"
      entry      shop 5/5: sent to bank
      entry      bank 2/5: it returned

    12:9  call "@bank" ("pay" "refuse") [n.$.x]
      peer       bank
      call       pay.refuse(?)
      argument   0: not known
      state      failed 10007 value '12' is not an map-type to match …
    "#);
}

#[test]
fn values_can_be_shown_whole_or_by_their_identifiers() {
    let mut run = scenario().run(1).unwrap();
    let trace = trace(&mut run, "client");
    let lines = |values| trace.text(values).to_string().lines().skip(1).take(2).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(lines(Values::Cid), @r"
    3:5   shop    stock.count(bafyr4ih6vwkh5veloexjs4ccj7sbzuawdb4u4azxornynepde4rfczynm4)  ok bafyr4ifxn75hpabg4geeu2y5cbotpkdsfojraitqsseg7bxyzgb6mykhsy  signed 1/5
    4:5   shop    stock.prices()  ok bafyr4igd4emz532pyouvmyjr5s3i7ya6lr6mer34gugacbmuuzt6lj5npe  signed 2/5
    ");
    let long =
        Scenario::new("(call \"@a\" (\"s\" \"f\") [])", ["a"]).stub(Stub::new("*.*").error(1, &"long".repeat(30)));
    let mut run = long.run(1).unwrap();
    let (particle, data) = decode_bundle(&run.bundle("a").unwrap(), &Limits::default()).unwrap();
    let trace = verify(&Arc::new(particle), data, &Limits::default()).unwrap();
    assert!(trace.text(Values::Full).to_string().lines().nth(1).unwrap().contains(&"long".repeat(30)));
    assert!(!trace.text(Values::Short).to_string().lines().nth(1).unwrap().contains(&"long".repeat(30)));
}

/// The picture is looked at by people; here, that it is well-formed and holds everything in a right order.
#[test]
fn a_picture_shows_calls_after_the_particle_came() {
    let mut run = scenario().run(1).unwrap();
    let svg = trace(&mut run, "client").svg();
    let texts: Vec<&str> = svg
        .lines()
        .filter_map(|line| match line.strip_prefix("<path class=\"tip\"") {
            Some(_) => Some("->"),
            None => line
                .strip_suffix("</text>")
                .and_then(|line| line.split_once("xml:space=\"preserve\">"))
                .map(|(_, text)| text),
        })
        .collect();
    insta::assert_snapshot!(texts.join("\n"), @r"
    shop
    bank
    client
    ->
    stock.count(&quot;pears&quot;)
    → 12
    3:5
    1/5
    stock.prices()
    → [12,7,9]
    4:5
    2/5
    ->
    i = 12
    pay.check(12, &quot;EUR&quot;)
    failed 10000 no funds
    8:9
    1/5
    ->
    i = 9
    pay.check(9, &quot;EUR&quot;)
    → &quot;paid&quot;
    8:9
    2/5
    pay.refuse(?)
    failed 10007 value '12' is not an map-type to match …
    12:9
    log.write(10007)
    → bafyr4idbvg7…
    13:9
    3/5
    ->
    i = 7
    pay.check(7, &quot;EUR&quot;)
    waiting, sent by shop, bank
    8:9
    callback.done(12)
    → bafyr4idbvg7…
    14:7
    2/2
    particle bafyr4if57ah7gope6r5xnbmns5s35mby7aa7ymimq3345arqkntga2xboy
    init client · 2023-11-14T22:13:20Z · ttl 60 s · signature ok
    outcome: complete · entries: 12 verified, 0 void, 0 unreached
    at
    signed
    ");
    assert_eq!(svg.matches("<g>").count(), svg.matches("</g>").count());
}

#[test]
fn without_aliases_peers_are_told_by_the_ends_of_their_ids() {
    let mut run = Scenario::new("(call \"@a\" (\"s\" \"f\") [])", ["a"]).run(1).unwrap();
    let (particle, data) = decode_bundle(&run.bundle("a").unwrap(), &Limits::default()).unwrap();
    let trace = verify(&Arc::new(particle), data, &Limits::default()).unwrap();
    insta::assert_snapshot!(trace, @r#"
    particle bafyr4icxv64…  init …cC5xiwBR  2023-11-14T22:13:20Z  ttl 60 s  signature ok
      1:1  …cC5xiwBR  s.f()  failed 10000 no such service  signed 1/1
    outcome: failed 10000 Local service error, ret_code is 1, error message is '"no such service"'   entries: 1 verified, 0 void, 0 unreached   logs: …cC5xiwBR 1
    "#);
}

#[test]
fn nothing_in_a_particle_can_command_the_terminal() {
    let script = "(par (call \"@a\" (\"s\u{1b}[2J\" \"f\n\") [\"\u{1b}]0;x\u{7}\" \"\u{9b}31m\"]) (call \"no\u{1b}c\" (\"s\" \"f\") []))";
    let mut run = Scenario::new(script, ["a"]).stub(Stub::new("*.*").error(1, "\u{1b}[31m\r")).run(1).unwrap();
    let text = trace(&mut run, "a").to_string();
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    assert_eq!(text.lines().count(), 4, "{text}");
}

#[test]
fn forged_bundles_do_not_verify() {
    let mut run = scenario().run(1).unwrap();
    let data = run.world.data("client").unwrap().encode();
    let particle = run.world.particle().clone();
    let forge = |change: &dyn Fn(&mut Vec<Ipld>)| {
        let data = marine_air::Data::decode(&edit(&data, change), &Limits::default());
        let error = match data {
            Ok(data) => verify(&particle, data, &Limits::default()).expect_err("the forgery is found"),
            Err(error) => return error.to_string(),
        };
        assert!(matches!(error, TraceError::Data(_)));
        let text = error.to_string();
        run.world.peers().iter().fold(text, |text, (name, key)| text.replace(&key.peer_id().to_base58(), name))
    };
    let forgeries = [
        ("signature", forge(&|data| break_signature(segment(data, 0)))),
        ("entry removed", forge(&|data| drop(entries(segment(data, 1)).pop()))),
        ("entries swapped", forge(&|data| entries(segment(data, 1)).swap(0, 1))),
        (
            "attributed to another",
            forge(&|data| {
                let [one, two] = [0, 1].map(|index| field(&mut segments(data)[index], "peer").clone());
                *field(&mut segments(data)[0], "peer") = two;
                *field(&mut segments(data)[1], "peer") = one;
                segments(data).swap(0, 1);
            }),
        ),
        ("value removed", forge(&|data| drop(values(data).pop()))),
        ("value added", forge(&|data| values(data).push(Ipld::Bytes(vec![0x17])))),
        ("of another particle", forge(&|data| data[1] = Ipld::Link(marine_air::ContentId::of(b"another").to_cid()))),
    ];
    let text: Vec<String> = forgeries.iter().map(|(name, error)| format!("{name}: {error}")).collect();
    insta::assert_snapshot!(text.join("\n"), @r"
    signature: data is not genuine (code 9): the head at 5 of the log of shop is not signed by it
    entry removed: particle data is malformed: length of a segment does not agree with its entries at byte 736
    entries swapped: data is not genuine (code 9): the entries of the log of bank do not make the chain that its head at 5 ends
    attributed to another: data is not genuine (code 9): the entries of the log of shop do not make the chain that its head at 5 ends
    value removed: data is not genuine (code 8): value bafyr4igd4emz532pyouvmyjr5s3i7ya6lr6mer34gugacbmuuzt6lj5npe is missing
    value added: particle data is malformed: values are not in the order of their identifiers at byte 1396
    of another particle: data is not genuine (code 3): data is of particle bafyr4igo4rikeqdcrfex4z542dgfka6aootpcvie4xdjsovqqx2njyeumi, not of bafyr4if57ah7gope6r5xnbmns5s35mby7aa7ymimq3345arqkntga2xboy
    ");
}

#[test]
fn broken_bundles_are_refused() {
    let mut run = scenario().run(1).unwrap();
    let bundle = run.bundle("client").unwrap();
    let limits = Limits::default();
    let (particle, data) = decode_bundle(&bundle, &limits).unwrap();
    assert_eq!(encode_bundle(&particle, &data), bundle);
    for end in 0..bundle.len() {
        assert!(decode_bundle(&bundle[..end], &limits).is_err(), "cut at {end}");
    }
    let mut longer = bundle.clone();
    longer.push(0);
    assert!(matches!(decode_bundle(&longer, &limits), Err(BundleError::Data(_))));
    assert!(matches!(decode_bundle(&[0x83], &limits), Err(BundleError::Malformed(_))));
    // Nested arrays that claim to be long, without end.
    assert!(decode_bundle(&[0x82].repeat(100_000), &limits).is_err());
    let mut forged = bundle.clone();
    forged[40] ^= 1;
    assert!(decode_bundle(&forged, &limits).is_err());
}

#[test]
fn entries_that_nothing_leads_to_are_listed_as_unreached() {
    let script = r#"(seq (call "@a" ("s" "f") [] x) (call "@b" ("s" "g") [x]))"#;
    let mut run = Scenario::new(script, ["a", "b"]).stub(Stub::new("*.*").ok(1)).run(1).unwrap();
    let a = run.world.peers().id("a").unwrap().to_bytes();
    let data = run.world.data("b").unwrap().encode();
    let without_a = edit(&data, |data| {
        segments(data).retain_mut(|segment| !matches!(field(segment, "peer"), Ipld::Bytes(bytes) if *bytes == a));
        values(data).clear();
    });
    let data = marine_air::Data::decode(&without_a, &Limits::default()).unwrap();
    let trace = verify(run.world.particle(), data, &Limits::default()).unwrap();
    assert_eq!((trace.verified, trace.void, trace.unreached), (0, 0, 1));
    assert_eq!(trace.rows.last().unwrap().state, RowState::Unreached);
}

#[test]
fn canons_and_iterations_over_streams_have_rows() {
    let script = r#"(seq (par (call "@shop" ("stock" "count") ["pears"] $s) (call "@bank" ("stock" "count") ["plums"] $s))
      (seq (canon "@shop" $s #s)
           (fold $s i (par (call "@bank" ("log" "write") [i]) (next i)))))"#;
    let scenario = Scenario::new(script, ["client", "shop", "bank"])
        .stub(Stub::new("stock.count").args([json!("pears")]).ok(12))
        .stub(Stub::new("stock.count").ok(7))
        .stub(Stub::new("*.*"))
        .net(Net { delay: 1..=1, ..Net::default() });
    insta::assert_snapshot!(trace(&mut scenario.run(1).unwrap(), "bank"), @r#"
    particle bafyr4ifn6bf…  init client  2023-11-14T22:13:20Z  ttl 60 s  signature ok
      1:11           shop  stock.count("pears")  ok 12             signed 1/4
      1:104          bank  stock.count("plums")  ok 7              signed 1/4
      2:12           shop  canon $s #s           saw [12]          signed 2/4
      3:28   i = 12  bank  log.write(12)         ok bafyr4idbvg7…  signed 4/4
      3:28   i = 7   bank  log.write(7)          ok bafyr4idbvg7…  signed 3/4
    outcome: complete   entries: 10 verified, 0 void, 0 unreached   logs: shop 4, bank 4, client 2
    "#);
}
