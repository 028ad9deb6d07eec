//! The worked examples of the specification.

use marine_aqua::hir::*;

use crate::build::*;

#[test]
fn e1() {
    let mut f = Maker::new();
    let (p, k, x) = (f.param("p", STRING), f.param("k", STRING), f.local("v", STRING));
    insta::assert_snapshot!(f.air(vec![on(v(p), vec![], vec![bind(x, kv_call("get", vec![v(k)]))])], vec![v(x)]));
}

#[test]
fn e3() {
    let mut f = Maker::new();
    let (p, k, x) = (f.param("p", STRING), f.param("k", STRING), f.local("v", STRING));
    let (r1, r2) = (f.param("r1", STRING), f.param("r2", STRING));
    insta::assert_snapshot!(
        f.air(vec![on(v(p), vec![v(r1), v(r2)], vec![bind(x, kv_call("get", vec![v(k)]))])], vec![v(x)])
    );
}

#[test]
fn e4() {
    let mut f = Maker::new();
    let (p, q, k) = (f.param("p", STRING), f.param("q", STRING), f.param("k", STRING));
    let (a, b) = (f.local("a", STRING), f.local("b", STRING));
    insta::assert_snapshot!(f.air(
        vec![
            on(v(p), vec![], vec![bind(a, kv_call("get", vec![v(k)]))]),
            on(v(q), vec![], vec![bind(b, kv_call("get", vec![v(a)]))])
        ],
        vec![v(b)]
    ));
}

#[test]
fn e5() {
    let mut f = Maker::new();
    let (p, k, x) = (f.param("p", STRING), f.param("k", STRING), f.local("v", STRING));
    let inner = on(
        special(Special::InitPeer),
        vec![special(Special::HostPeer)],
        vec![run(kv_call("put", vec![text("seen"), v(x)]))],
    );
    insta::assert_snapshot!(f.air(
        vec![on(
            v(p),
            vec![],
            vec![bind(x, kv_call("get", vec![v(k)])), inner, run(kv_call("put", vec![text("k"), v(x)]))]
        )],
        vec![]
    ));
}

#[test]
fn e6() {
    let mut f = Maker::new();
    let (p, q, z) = (f.param("p", STRING), f.param("q", STRING), f.param("z", STRING));
    let (a, b) = (f.local("a", STRING), f.local("b", STRING));
    insta::assert_snapshot!(f.air(
        vec![
            par(vec![
                on(v(p), vec![], vec![bind(a, kv_call("get", vec![text("a")]))]),
                on(v(q), vec![], vec![bind(b, kv_call("get", vec![text("b")]))]),
            ]),
            on(v(z), vec![], vec![run(kv_call("put", vec![v(a), v(b)]))])
        ],
        vec![]
    ));
}

#[test]
fn e7() {
    let mut f = Maker::new();
    let (p, k, x) = (f.param("p", STRING), f.param("k", STRING), f.local("v", STRING));
    insta::assert_snapshot!(f.air(
        vec![
            par(vec![
                bind(x, kv_call("get", vec![v(k)])),
                on(v(p), vec![], vec![run(kv_call("put", vec![text("seen"), v(k)]))]),
            ]),
            stmt(StmtKind::Co(Box::new(on(v(p), vec![], vec![run(kv_call("put", vec![text("later"), v(x)]))]))))
        ],
        vec![v(x)]
    ));
}

#[test]
fn e8() {
    let mut f = Maker::new();
    let (ps, k, p) = (f.param("ps", strings()), f.param("k", STRING), f.local("p", STRING));
    insta::assert_snapshot!(f.air(
        vec![
            each(p, list(ps), LoopMode::Seq, vec![on(v(p), vec![], vec![run(kv_call("put", vec![text("k"), v(k)]))])]),
            run(kv_call("put", vec![text("done"), v(k)])),
        ],
        vec![]
    ));
}

#[test]
fn e9_e10() {
    let mut f = Maker::new();
    let (ps, k, p, res) =
        (f.param("ps", strings()), f.param("k", STRING), f.local("p", STRING), f.local("res", stream()));
    insta::assert_snapshot!(f.air(
        vec![
            declare(res),
            each(p, list(ps), LoopMode::Par, vec![on(v(p), vec![], vec![push(res, kv_call("get", vec![v(k)]))])]),
            stmt(StmtKind::Join(vec![index(v(res), 1)])),
        ],
        vec![v(res)]
    ));
    let mut f = Maker::new();
    let (ps, k, p, res) =
        (f.param("ps", strings()), f.param("k", STRING), f.local("p", STRING), f.local("res", stream()));
    let n = f.param("n", STRING);
    let m = expr(ExprKind::Binary { op: Binary::Sub, left: Box::new(v(n)), right: Box::new(int(1)) }, STRING);
    let nth = expr(ExprKind::Index { base: Box::new(v(res)), index: Box::new(m) }, STRING);
    insta::assert_snapshot!(f.air(
        vec![
            declare(res),
            on(
                special(Special::HostPeer),
                vec![],
                vec![
                    each(
                        p,
                        list(ps),
                        LoopMode::Par,
                        vec![on(v(p), vec![], vec![push(res, kv_call("get", vec![v(k)]))])]
                    ),
                    stmt(StmtKind::Join(vec![nth])),
                ]
            ),
        ],
        vec![index(v(res), 0)]
    ));
}

#[test]
fn e11() {
    let mut f = Maker::new();
    let (ps, k, p, res) =
        (f.param("ps", strings()), f.param("k", STRING), f.local("p", STRING), f.local("res", stream()));
    insta::assert_snapshot!(f.air(
        vec![
            declare(res),
            stmt(StmtKind::Parseq {
                vars: vec![p],
                iterable: list(ps),
                peer: v(p),
                via: vec![],
                body: vec![push(res, kv_call("get", vec![v(k)]))]
            }),
        ],
        vec![index(v(res), 0)]
    ));
}

#[test]
fn e12() {
    let mut f = Maker::new();
    let (mode, p, k) = (f.param("mode", STRING), f.param("p", STRING), f.param("k", STRING));
    let _ = k;
    let condition = expr(
        ExprKind::Binary { op: Binary::Equal, left: Box::new(v(mode)), right: Box::new(text("far")) },
        Type::Scalar(Scalar::Bool),
    );
    insta::assert_snapshot!(f.air(
        vec![
            stmt(StmtKind::If {
                condition,
                then: vec![on(v(p), vec![], vec![run(kv_call("put", vec![text("k"), v(mode)]))])],
                otherwise: vec![run(kv_call("put", vec![text("near"), v(mode)]))]
            }),
            run(kv_call("put", vec![text("done"), v(mode)])),
        ],
        vec![]
    ));
}

#[test]
fn e13() {
    let mut f = Maker::new();
    let (p, k, res, e) = (f.param("p", STRING), f.param("k", STRING), f.local("res", stream()), f.local("e", STRING));
    insta::assert_snapshot!(f.air(
        vec![
            declare(res),
            stmt(StmtKind::Try {
                body: vec![on(v(p), vec![], vec![push(res, kv_call("get", vec![v(k)]))])],
                scope: true,
                handlers: vec![Handler {
                    error: Some(e),
                    body: vec![stmt(StmtKind::Push { stream: res, value: field(v(e), "message") }),],
                    span: Span::default()
                }]
            }),
        ],
        vec![index(v(res), 0)]
    ));
}

#[test]
fn e15() {
    let mut f = Maker::new();
    let (k, todo, x, y) = (f.param("k", STRING), f.local("todo", stream()), f.local("x", STRING), f.local("v", STRING));
    let condition = expr(
        ExprKind::Binary { op: Binary::NotEqual, left: Box::new(v(y)), right: Box::new(text("end")) },
        Type::Scalar(Scalar::Bool),
    );
    insta::assert_snapshot!(f.air(
        vec![
            declare(todo),
            stmt(StmtKind::Push { stream: todo, value: v(k) }),
            each(
                x,
                v(todo),
                LoopMode::Rec,
                vec![
                    bind(y, kv_call("get", vec![v(x)])),
                    stmt(StmtKind::If {
                        condition,
                        then: vec![stmt(StmtKind::Push { stream: todo, value: v(y) })],
                        otherwise: vec![]
                    }),
                ]
            ),
            stmt(StmtKind::Join(vec![index(v(todo), 4)])),
        ],
        vec![]
    ));
}
