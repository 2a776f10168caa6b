//! Whom a client certificate names: exactly one caller, or nobody.

use inference::identity::{ClientCertificate, SubjectName};
use rcgen::SanType;
use rstest::rstest;
use sha2::{Digest, Sha256};

use crate::certificates::{Authority, NAME, dns, email, uri};

fn subject(kind: SubjectName, names: &[SanType]) -> Option<String> {
    let issued = Authority::new("root").client(|params| params.subject_alt_names = names.to_vec());
    let read = ClientCertificate::read(issued.certificate(), kind);
    assert_eq!(read.thumbprint, <[u8; 32]>::from(Sha256::digest(issued.certificate())));
    read.subject.as_deref().map(str::to_owned)
}

#[rstest]
#[case::spiffe(SubjectName::Spiffe, &[uri(NAME)], NAME)]
#[case::beside_other_kinds(SubjectName::Spiffe, &[dns("a.example"), uri(NAME), email("a@a.example")], NAME)]
#[case::a_longer_path(SubjectName::Spiffe, &[uri("spiffe://e_x-1.org/ns/A_b-c/9.9")], "spiffe://e_x-1.org/ns/A_b-c/9.9")]
#[case::dns(SubjectName::Dns, &[uri(NAME), dns("a-1_b.example")], "a-1_b.example")]
#[case::dns_in_capitals(SubjectName::Dns, &[dns("A.Example")], "a.example")]
#[case::email(SubjectName::Email, &[uri(NAME), email("Ann@a.example")], "Ann@a.example")]
#[test]
fn one_name_of_the_kind_is_the_callers(
    #[case] kind: SubjectName,
    #[case] names: &[SanType],
    #[case] named: &str,
) {
    assert_eq!(subject(kind, names).as_deref(), Some(named));
}

#[rstest]
#[case::nothing(SubjectName::Spiffe, &[])]
#[case::no_uri(SubjectName::Spiffe, &[dns("a.example")])]
#[case::two_uris(SubjectName::Spiffe, &[uri(NAME), uri("https://a.example/")])]
#[case::the_same_twice(SubjectName::Spiffe, &[uri(NAME), uri(NAME)])]
#[case::another_scheme(SubjectName::Spiffe, &[uri("https://example.org/client")])]
#[case::scheme_in_capitals(SubjectName::Spiffe, &[uri("SPIFFE://example.org/client")])]
#[case::only_a_trust_domain(SubjectName::Spiffe, &[uri("spiffe://example.org")])]
#[case::the_root_path(SubjectName::Spiffe, &[uri("spiffe://example.org/")])]
#[case::no_trust_domain(SubjectName::Spiffe, &[uri("spiffe:///client")])]
#[case::trust_domain_in_capitals(SubjectName::Spiffe, &[uri("spiffe://Example.org/client")])]
#[case::a_port(SubjectName::Spiffe, &[uri("spiffe://example.org:443/client")])]
#[case::a_user(SubjectName::Spiffe, &[uri("spiffe://user@example.org/client")])]
#[case::an_end_in_a_slash(SubjectName::Spiffe, &[uri("spiffe://example.org/client/")])]
#[case::an_empty_part(SubjectName::Spiffe, &[uri("spiffe://example.org/a//b")])]
#[case::upwards(SubjectName::Spiffe, &[uri("spiffe://example.org/a/../b")])]
#[case::in_place(SubjectName::Spiffe, &[uri("spiffe://example.org/./b")])]
#[case::a_query(SubjectName::Spiffe, &[uri("spiffe://example.org/client?admin")])]
#[case::a_fragment(SubjectName::Spiffe, &[uri("spiffe://example.org/client#admin")])]
#[case::an_escape(SubjectName::Spiffe, &[uri("spiffe://example.org/cl%69ent")])]
#[case::no_dns_name(SubjectName::Dns, &[uri(NAME)])]
#[case::two_dns_names(SubjectName::Dns, &[dns("a.example"), dns("b.example")])]
#[case::a_wildcard(SubjectName::Dns, &[dns("*.example")])]
#[case::an_empty_label(SubjectName::Dns, &[dns("a..example")])]
#[case::a_line_break(SubjectName::Dns, &[dns("a.example\nb")])]
#[case::no_address(SubjectName::Email, &[uri(NAME)])]
#[case::two_addresses(SubjectName::Email, &[email("a@a.example"), email("b@a.example")])]
#[case::nobody_at_a_host(SubjectName::Email, &[email("@a.example")])]
#[case::nowhere(SubjectName::Email, &[email("ann@")])]
#[case::without_a_host(SubjectName::Email, &[email("ann")])]
#[case::a_space(SubjectName::Email, &[email("ann b@a.example")])]
#[test]
fn otherwise_it_names_nobody(#[case] kind: SubjectName, #[case] names: &[SanType]) {
    assert_eq!(subject(kind, names), None);
}

#[rstest]
#[case::spiffe_id(SubjectName::Spiffe, 2048 - "spiffe://a.example/".len(), |path: &str| uri(&format!("spiffe://a.example/{path}")))]
#[case::trust_domain(SubjectName::Spiffe, 255, |domain: &str| uri(&format!("spiffe://{domain}/client")))]
#[case::dns_name(SubjectName::Dns, 253, dns)]
#[case::address(SubjectName::Email, 254 - "@a.example".len(), |local: &str| email(&format!("{local}@a.example")))]
#[test]
fn a_name_may_be_so_long_and_no_longer(
    #[case] kind: SubjectName,
    #[case] longest: usize,
    #[case] named: fn(&str) -> SanType,
) {
    assert!(subject(kind, &[named(&"a".repeat(longest))]).is_some());
    assert_eq!(subject(kind, &[named(&"a".repeat(longest + 1))]), None);
}

#[test]
fn what_is_no_certificate_names_nobody() {
    for bytes in [&b""[..], b"\x30\x82", &[0; 4000]] {
        assert_eq!(ClientCertificate::read(bytes, SubjectName::Spiffe).subject, None);
    }
}
