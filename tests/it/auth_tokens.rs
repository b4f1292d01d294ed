//! Whose tokens are taken ([CN5], [CN6]).

use blockhub::domain::access::{Principal, Role, Tier};
use blockhub::domain::event::ActorKind;
use blockhub::domain::ids::UserId;
use blockhub::domain::sequence::Timestamp;
use blockhub::hub::Authenticator;
use blockhub::protocol::code::ErrorCode;
use blockhub::protocol::message::client::NamedUser;
use blockhub::transport::auth::{KeyError, Keys, TokenKey, sign};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

const SECRET: &str = "a secret of more than thirty-two characters";
const PROJECT: &str = "6b9f2a52-9f3d-4c8f-8b1e-0d7a2f6c5e41";
/// Seconds since 1970.
const NOW: i64 = 1_800_000_000;

fn keys() -> Keys {
    Keys::Token(TokenKey::secret(SECRET))
}

fn now() -> Timestamp {
    Timestamp(NOW * 1_000)
}

fn good() -> Value {
    json!({"sub": "ann", "exp": NOW + 60})
}

fn with(claim: &str, value: Value) -> Value {
    let mut claims = good();
    claims[claim] = value;
    claims
}

fn signed(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

fn principal(claims: &Value) -> Principal {
    keys().authenticate(Some(&signed(claims)), None, now()).unwrap()
}

/// The refusal of a token, which is always `unauthenticated` and never repeats the token.
fn refusal(keys: &Keys, token: &str) -> String {
    let refusal = keys.authenticate(Some(token), None, now()).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Unauthenticated);
    assert!(!refusal.message.contains(token));
    refusal.message
}

fn part(value: &Value) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn cn5_a_token_says_who_it_speaks_for() {
    let claims = json!({"sub": "ann", "exp": NOW + 60, "name": "Ann", "tier": "pro", "admin": true, "kind": "agent",
        "projects": {PROJECT: "editor"}});
    let ann = principal(&claims);
    assert_eq!(ann.user().as_str(), "ann");
    assert_eq!(ann.actor.name.as_deref(), Some("Ann"));
    assert_eq!((ann.tier, ann.admin, ann.actor.kind), (Tier::Pro, true, ActorKind::Agent));
    assert_eq!(ann.projects.get(&PROJECT.parse().unwrap()), Some(&Role::Editor));
    assert_eq!(ann.expires, Some(Timestamp((NOW + 60) * 1_000)));
}

#[test]
fn cn5_what_is_left_out_is_the_least() {
    let ann = principal(&good());
    assert_eq!((ann.tier, ann.admin, ann.actor.kind), (Tier::Free, false, ActorKind::Human));
    assert!(ann.projects.is_empty());
}

#[test]
fn cn5_a_claim_that_is_wrong_is_named() {
    let long = "a".repeat(257);
    let wrong = [
        ("sub", json!("")),
        ("sub", json!(null)),
        ("sub", json!(7)),
        ("sub", json!(long)),
        ("sub", json!("a\0b")),
        ("exp", json!(null)),
        ("exp", json!("tomorrow")),
        ("nbf", json!("today")),
        ("name", json!(["Ann"])),
        ("name", json!("a\0b")),
        ("tier", json!("gold")),
        ("tier", json!("Pro")),
        ("kind", json!("robot")),
        ("admin", json!("true")),
        ("admin", json!(1)),
        ("projects", json!(["x"])),
        ("projects", json!({"no id": "editor"})),
        ("projects", json!({PROJECT: "boss"})),
    ];
    for (claim, value) in wrong {
        let message = refusal(&keys(), &signed(&with(claim, value.clone())));
        assert!(message.contains(&format!("`{claim}`")), "{claim} {value}: {message}");
    }
}

#[test]
fn cn5_sub_and_exp_are_required() {
    for claim in ["sub", "exp"] {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove(claim);
        assert!(refusal(&keys(), &signed(&claims)).contains(claim));
    }
}

#[test]
fn cn5_a_token_ends_at_its_exp_without_leeway() {
    assert!(refusal(&keys(), &signed(&with("exp", json!(NOW)))).contains("expired"));
    assert_eq!(principal(&with("exp", json!(NOW as f64 + 0.5))).expires, Some(Timestamp(NOW * 1_000 + 500)));
    assert!(refusal(&keys(), &signed(&with("exp", json!(-1e300)))).contains("expired"));
    assert_eq!(principal(&with("exp", json!(1e300))).expires, Some(Timestamp(i64::MAX)));
}

#[test]
fn cn5_a_token_begins_at_its_nbf() {
    assert!(refusal(&keys(), &signed(&with("nbf", json!(NOW + 1)))).contains("nbf"));
    principal(&with("nbf", json!(NOW)));
}

#[test]
fn cn6_a_forged_token_is_nobodys() {
    let token = signed(&good());
    let other = Keys::Token(TokenKey::secret("another secret of more than thirty-two"));
    refusal(&other, &token);
    let (head, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = head.split_once('.').unwrap();
    let forged = part(&with("admin", json!(true)));
    for token in [
        format!("{header}.{forged}.{signature}"),
        format!("{head}."),
        head.to_owned(),
        format!("{token}A"),
        String::new(),
        "a.b.c".to_owned(),
        ".".repeat(100_000),
    ] {
        let refused = keys().authenticate(Some(&token), None, now()).unwrap_err();
        assert_eq!(refused.code, ErrorCode::Unauthenticated);
    }
}

#[test]
fn cn6_a_token_without_signature_is_nobodys() {
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let head = format!("{}.{}", part(&json!({"alg": alg, "typ": "JWT"})), part(&good()));
        refusal(&keys(), &format!("{head}."));
        refusal(&keys(), &head);
    }
}

#[test]
fn cn6_the_key_alone_fixes_the_algorithm() {
    // A public key is no secret: whoever signs by HMAC with its bytes forges nothing.
    for pem in [RSA_PUBLIC, EC_PUBLIC, ED_PUBLIC] {
        let keys = Keys::Token(TokenKey::public(pem).unwrap());
        for alg in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let key = EncodingKey::from_secret(pem.as_bytes());
            refusal(&keys, &jsonwebtoken::encode(&Header::new(alg), &good(), &key).unwrap());
        }
    }
    // The right secret under another name of the family.
    for alg in [Algorithm::HS384, Algorithm::HS512] {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        refusal(&keys(), &jsonwebtoken::encode(&Header::new(alg), &good(), &key).unwrap());
    }
    let rsa = Keys::Token(TokenKey::public(RSA_PUBLIC).unwrap());
    for alg in [Algorithm::RS384, Algorithm::PS256] {
        refusal(&rsa, &jsonwebtoken::encode(&Header::new(alg), &good(), &rsa_key()).unwrap());
    }
}

#[test]
fn cn6_a_critical_extension_that_is_not_known_is_refused() {
    let mut header = Header::new(Algorithm::HS256);
    header.crit = Some(vec!["exp2".to_owned()]);
    let token = jsonwebtoken::encode(&header, &good(), &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
    assert!(refusal(&keys(), &token).contains("crit"));
}

const RSA_PUBLIC: &str = include_str!("keys/rsa.pub.pem");
const EC_PUBLIC: &str = include_str!("keys/ec.pub.pem");
const ED_PUBLIC: &str = include_str!("keys/ed.pub.pem");

fn rsa_key() -> EncodingKey {
    EncodingKey::from_rsa_pem(include_bytes!("keys/rsa.pem")).unwrap()
}

#[test]
fn cn5_public_keys_verify_rs256_es256_and_eddsa() {
    let pairs = [
        ("RS256", RSA_PUBLIC, Algorithm::RS256, rsa_key()),
        ("ES256", EC_PUBLIC, Algorithm::ES256, EncodingKey::from_ec_pem(include_bytes!("keys/ec.pem")).unwrap()),
        ("EdDSA", ED_PUBLIC, Algorithm::EdDSA, EncodingKey::from_ed_pem(include_bytes!("keys/ed.pem")).unwrap()),
    ];
    for (name, public, algorithm, private) in pairs {
        let key = TokenKey::public(public).unwrap();
        assert_eq!(key.algorithm(), name);
        let token = jsonwebtoken::encode(&Header::new(algorithm), &good(), &private).unwrap();
        let keys = Keys::Token(key);
        assert_eq!(keys.authenticate(Some(&token), None, now()).unwrap().user().as_str(), "ann");
        refusal(&keys, &signed(&good()));
    }
}

#[test]
fn cn5_a_key_that_cannot_be_used_is_refused_with_what_to_do() {
    for private in [include_str!("keys/rsa.pem"), include_str!("keys/ec.pem"), include_str!("keys/ed.pem")] {
        assert_eq!(TokenKey::public(private).unwrap_err(), KeyError::Private);
    }
    for other in ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", include_str!("keys/p384.pub.pem")] {
        assert_eq!(TokenKey::public(other).unwrap_err(), KeyError::Unknown);
    }
}

#[test]
fn cn6_without_a_token_nobody_is_let_in_where_there_is_a_key() {
    let user = NamedUser { id: UserId::from("root"), name: None };
    let refused = keys().authenticate(None, Some(user), now()).unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unauthenticated);
}

#[test]
fn cn6_an_open_hub_takes_the_name_that_is_given() {
    let user = NamedUser { id: UserId::from("ann"), name: Some("Ann".into()) };
    let ann = Keys::Open.authenticate(None, Some(user), now()).unwrap();
    assert_eq!((ann.user().as_str(), ann.actor.name.as_deref(), ann.admin), ("ann", Some("Ann"), true));
    assert_eq!(Keys::Open.authenticate(None, None, now()).unwrap().user().as_str(), "guest");
}

#[test]
fn cn5_a_token_that_is_signed_here_is_read_here() {
    let claims = json!({"sub": "ann", "exp": NOW + 60, "name": "Ann", "tier": "enterprise", "kind": "agent",
        "projects": {PROJECT: "owner"}});
    let ann = principal(&claims);
    let token = sign(&ann, now(), SECRET).unwrap();
    assert_eq!(keys().authenticate(Some(&token), None, now()).unwrap(), ann);
}

#[test]
fn a_key_is_not_written_into_logs() {
    assert_eq!(format!("{:?}", keys()), "Token(TokenKey { algorithm: \"HS256\", .. })");
}
