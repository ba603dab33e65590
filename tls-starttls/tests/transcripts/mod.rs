//! What servers say, turn by turn.

use tls_starttls::ErrorKind::{self, Injected, Malformed, NotOffered, Refused, TooLong};
use tls_starttls::Protocol::{
    self, Ftp, Imap, Ldap, Lmtp, Mysql, Nntp, Pop3, Postgres, Sieve, Smtp, Xmpp, XmppServer,
};
use tls_starttls::Stage::{self, Capabilities, Greeting, Upgrade};

/// A conversation that comes to TLS.
pub(crate) struct Good {
    pub(crate) protocol: Protocol,
    pub(crate) server: &'static [&'static [u8]],
    pub(crate) client: &'static [u8],
}

macro_rules! good {
    ($protocol:ident: $($server:expr),+ => $client:expr) => {
        Good { protocol: $protocol, server: &[$($server),+], client: $client }
    };
}

const SMTP_SAYS: &[u8] = b"EHLO example.org\r\nSTARTTLS\r\n";
const FTP_SAYS: &[u8] = b"FEAT\r\nAUTH TLS\r\n";
const IMAP_SAYS: &[u8] = b"P1 CAPABILITY\r\nP2 STARTTLS\r\n";
const POP3_SAYS: &[u8] = b"CAPA\r\nSTLS\r\n";
const NNTP_SAYS: &[u8] = b"CAPABILITIES\r\nSTARTTLS\r\n";
const LDAP_SAYS: &[u8] = b"0\x1d\x02\x01\x01w\x18\x80\x161.3.6.1.4.1.1466.20037";
const POSTGRES_SAYS: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const MYSQL_SAYS: &[u8] = b"\x20\0\0\x01\0\x8a\x08\0\0\0\0\x01\x2d\
    \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const XMPP_SAYS: &[u8] = b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
    xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0'>\
    <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
const XMPP_SERVER_SAYS: &[u8] = b"<?xml version='1.0'?><stream:stream xmlns='jabber:server' \
    xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0'>\
    <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

const XMPP_HEADER: &[u8] = b"<?xml version='1.0'?>\n<stream:stream id='1' version='1.0' \
    xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' from='example.org'>";
const XMPP_FEATURES: &[u8] = b"<stream:features>\
    <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>\
    <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>";
const XMPP_BOTH: &[u8] = b"<?xml version='1.0'?><stream:stream id='1' version='1.0' \
    xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>\
    <stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>";
const PROCEED: &[u8] = b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

const MYSQL_GREETS: &[u8] = b"\x29\0\0\0\x0a8.0.36\0\x01\0\0\0abcdefgh\0\xff\xff\x2d\x02\0\xff\xdf\
    \x15\0\0\0\0\0\0\0\0\0\0ij";

pub(crate) const GOOD: &[Good] = &[
    good!(Smtp: b"220 mx ESMTP\r\n", b"250-mx\r\n250-SIZE 1\r\n250 STARTTLS\r\n", b"220 go\r\n"
        => SMTP_SAYS),
    good!(Smtp: b"220-mx\r\n220-more\r\n220\r\n", b"250-mx\r\n250-starttls\r\n250 HELP\r\n", b"220\r\n"
        => SMTP_SAYS),
    good!(Lmtp: b"220 mx LMTP\r\n", b"250-mx\r\n250-STARTTLS \r\n250 PIPELINING\r\n", b"220 go\r\n"
        => b"LHLO example.org\r\nSTARTTLS\r\n"),
    good!(Ftp: b"220 hi\r\n", b"211-Features:\r\n EPRT\r\n AUTH TLS\r\n211 End\r\n", b"234 ok\r\n"
        => FTP_SAYS),
    good!(Ftp: b"120 wait\r\n220-hi\r\nanything\r\n 220 not yet\r\n220 hi\r\n",
        b"211-\r\n211-AUTH SSL;TLS-C;TLS\r\n211 \r\n", b"234 ok\r\n" => FTP_SAYS),
    good!(Ftp: b"220 hi\r\n", b"500 what?\r\n", b"234-ok\r\n234 ok\r\n" => FTP_SAYS),
    good!(Ftp: b"220 hi\r\n", b"530 log in\r\n", b"234 ok\r\n" => FTP_SAYS),
    good!(Imap: b"* OK [CAPABILITY IMAP4rev1] hi\r\n",
        b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\nP1 OK done\r\n", b"P2 OK go\r\n"
        => IMAP_SAYS),
    good!(Imap: b"* ok hi\r\n* OK still here\r\n", b"* X {4}\r\n\r\n*\n\r\n* capability starttls\r\nP1 ok\r\n",
        b"* OK x\r\nP2 OK go\r\n" => IMAP_SAYS),
    good!(Pop3: b"+OK hi <1@x>\r\n", b"+OK list\r\nTOP\r\nSTLS\r\n.\r\n", b"+OK go\r\n" => POP3_SAYS),
    good!(Nntp: b"200 hi\r\n", b"101 list\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n", b"382 go\r\n" => NNTP_SAYS),
    good!(Nntp: b"201 hi\r\n", b"101 list\r\nstarttls x\r\n.\r\n", b"382\r\n" => NNTP_SAYS),
    good!(Sieve: b"\"IMPLEMENTATION\" \"x\"\r\n\"SIEVE\" {3}\r\nOK\n\r\n\"STARTTLS\"\r\nOK \"hi\"\r\n",
        b"OK\r\n" => b"STARTTLS\r\n"),
    good!(Ldap: b"0\x0c\x02\x01\x01x\x07\x0a\x01\x00\x04\x00\x04\x00" => LDAP_SAYS),
    good!(Ldap: b"0\x84\0\0\0\x28\x02\x01\x01x\x84\0\0\0\x1f\x0a\x01\0\x04\0\x04\0\x8a\x161.3.6.1.4.1.1466.20037"
        => LDAP_SAYS),
    good!(Postgres: b"S" => POSTGRES_SAYS),
    good!(Mysql: MYSQL_GREETS => MYSQL_SAYS),
    good!(Xmpp: XMPP_BOTH, PROCEED => XMPP_SAYS),
    good!(Xmpp: XMPP_HEADER, XMPP_FEATURES, b" <proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'></proceed>"
        => XMPP_SAYS),
    good!(XmppServer: b"<s:stream version='1.0' xmlns:s='http://etherx.jabber.org/streams'>\
        <s:features xmlns:t='urn:ietf:params:xml:ns:xmpp-tls'><t:starttls/></s:features>\n",
        b"<proceed xmlns=\"urn:ietf:params:xml:ns:xmpp-tls\" />" => XMPP_SERVER_SAYS),
];

type Bad = (Protocol, &'static [&'static [u8]], Stage, ErrorKind);

pub(crate) const REFUSED: &[Bad] = &[
    (Smtp, &[b"554 no\r\n"], Greeting, Refused),
    (Smtp, &[b"421-busy\r\n421 bye\r\n"], Greeting, Refused),
    (Smtp, &[b"* OK imap\r\n"], Greeting, Malformed),
    (Smtp, &[b"220 lone lf\n"], Greeting, Malformed),
    (Smtp, &[b"220-one\r\n250 other\r\n"], Greeting, Malformed),
    (Smtp, &[b"220 hi\r\n", b"502 no EHLO\r\n"], Capabilities, Refused),
    (Smtp, &[b"220 hi\r\n", b"250-mx\r\n250 SIZE\r\n"], Capabilities, NotOffered),
    (Smtp, &[b"220 hi\r\n", b"250 STARTTLS\r\n"], Capabilities, NotOffered),
    (Smtp, &[b"220 hi\r\n", b"250-mx\r\n250 XSTARTTLS\r\n"], Capabilities, NotOffered),
    (Smtp, &[b"220 hi\r\n", b"250-mx\r\n250 STARTTLSX\r\n"], Capabilities, NotOffered),
    (Smtp, &[b"220 hi\r\n", b"250-mx STARTTLS\r\n250 SIZE\r\n"], Capabilities, NotOffered),
    (Smtp, &[b"220 hi\r\n", b"250-mx\r\n250 STARTTLS\r\n", b"454 later\r\n"], Upgrade, Refused),
    (Smtp, &[b"220 hi\r\n", b"250-mx\r\n250 STARTTLS\r\n", b"250 what\r\n"], Upgrade, Refused),
    (Smtp, &[b"220 hi\r\n250-mx\r\n250 STARTTLS\r\n"], Capabilities, Injected),
    (Lmtp, &[b"220 hi\r\n", b"250 mx\r\n"], Capabilities, NotOffered),
    (Ftp, &[b"421 no\r\n"], Greeting, Refused),
    (Ftp, &[b"hello\r\n"], Greeting, Malformed),
    (Ftp, &[b"220 hi\r\n", b"211-\r\n EPRT\r\n211 \r\n"], Capabilities, NotOffered),
    (Ftp, &[b"220 hi\r\n", b"211-\r\n AUTH SSL\r\n211 \r\n"], Capabilities, NotOffered),
    (Ftp, &[b"220 hi\r\n", b"211 no features\r\n"], Capabilities, NotOffered),
    (Ftp, &[b"220 hi\r\n", b"421 bye\r\n"], Capabilities, Refused),
    (Ftp, &[b"220 hi\r\n", b"500 what\r\n", b"504 no\r\n"], Upgrade, Refused),
    (Ftp, &[b"220 hi\r\n", b"500 what\r\n", b"334 more\r\n"], Upgrade, Refused),
    (Imap, &[b"* PREAUTH hi\r\n"], Greeting, Refused),
    (Imap, &[b"* BYE no\r\n"], Greeting, Refused),
    (Imap, &[b"220 smtp\r\n"], Greeting, Malformed),
    (Imap, &[b"P1 OK\r\n"], Greeting, Malformed),
    (
        Imap,
        &[b"* OK STARTTLS\r\n", b"* CAPABILITY IMAP4rev1\r\nP1 OK\r\n"],
        Capabilities,
        NotOffered,
    ),
    (Imap, &[b"* OK [CAPABILITY STARTTLS]\r\n", b"P1 OK\r\n"], Capabilities, NotOffered),
    (
        Imap,
        &[b"* OK\r\n", b"* CAPABILITY STARTTLS\r\n* CAPABILITY X\r\nP1 OK\r\n"],
        Capabilities,
        NotOffered,
    ),
    (Imap, &[b"* OK\r\n", b"P1 BAD what\r\n"], Capabilities, Refused),
    (Imap, &[b"* OK\r\n", b"P9 OK\r\n"], Capabilities, Malformed),
    (Imap, &[b"* OK\r\n", b"+ go on\r\n"], Capabilities, Malformed),
    (
        Imap,
        &[b"* OK\r\n", b"* CAPABILITY STARTTLS\r\nP1 OK\r\n", b"P2 NO later\r\n"],
        Upgrade,
        Refused,
    ),
    (Imap, &[b"* OK\r\nP1 OK\r\n"], Capabilities, Injected),
    (Imap, &[b"* OK {9999}\r\n"], Greeting, TooLong),
    (Pop3, &[b"-ERR no\r\n"], Greeting, Refused),
    (Pop3, &[b"220 smtp\r\n"], Greeting, Malformed),
    (Pop3, &[b"+OK\r\n", b"-ERR what\r\n"], Capabilities, NotOffered),
    (Pop3, &[b"+OK\r\n", b"+OK\r\nTOP\r\n.\r\n"], Capabilities, NotOffered),
    (Pop3, &[b"+OK\r\n", b"+OK\r\nSTLS\r\n.\r\n", b"-ERR no\r\n"], Upgrade, Refused),
    (Nntp, &[b"502 no\r\n"], Greeting, Refused),
    (Nntp, &[b"200\r\n", b"500 what\r\n"], Capabilities, NotOffered),
    (Nntp, &[b"200\r\n", b"101\r\nVERSION 2\r\n.\r\n"], Capabilities, NotOffered),
    (Nntp, &[b"200\r\n", b"101\r\nSTARTTLS\r\n.\r\n", b"580 no\r\n"], Upgrade, Refused),
    (Nntp, &[b"200\r\n", b"101\r\nSTARTTLS\r\n.\r\n", b"200 hi\r\n"], Upgrade, Malformed),
    (Sieve, &[b"\"SIEVE\" \"x\"\r\nOK\r\n"], Capabilities, NotOffered),
    (Sieve, &[b"\"SIEVE\" \"STARTTLS\"\r\nOK\r\n"], Capabilities, NotOffered),
    (Sieve, &[b"BYE \"no\"\r\n"], Capabilities, Refused),
    (Sieve, &[b"* OK imap\r\n"], Capabilities, Malformed),
    (Sieve, &[b"\"STARTTLS\"\r\nOK\r\n", b"NO \"later\"\r\n"], Upgrade, Refused),
    (Sieve, &[b"\"STARTTLS\"\r\nOK\r\nOK\r\n"], Upgrade, Injected),
    (Ldap, &[b"0\x0e\x02\x01\x01x\x09\x0a\x01\x02\x04\0\x04\x02no"], Upgrade, NotOffered),
    (Ldap, &[b"0\x0e\x02\x01\x01x\x09\x0a\x01\x34\x04\0\x04\x02no"], Upgrade, Refused),
    (Ldap, &[b"0\x0c\x02\x01\x00x\x07\x0a\x01\x00\x04\0\x04\0"], Upgrade, Refused),
    (Ldap, &[b"0\x0c\x02\x01\x02x\x07\x0a\x01\x00\x04\0\x04\0"], Upgrade, Malformed),
    (Ldap, &[b"0\x0c\x02\x01\x01e\x07\x0a\x01\x00\x04\0\x04\0"], Upgrade, Malformed),
    (Ldap, &[b"0\x0f\x02\x01\x01x\x0a\x0a\x01\x00\x04\0\x04\0\x8a\x011"], Upgrade, Malformed),
    (Ldap, &[b"0\x80"], Upgrade, Malformed),
    (Ldap, &[b"220 hi\r\n"], Upgrade, Malformed),
    (Ldap, &[b"0\x84\x7f\xff\xff\xff"], Upgrade, TooLong),
    (Postgres, &[b"N"], Upgrade, NotOffered),
    (Postgres, &[b"E\0\0\0\x10SFATAL\0\0"], Upgrade, Refused),
    (Postgres, &[b"220"], Upgrade, Malformed),
    (Mysql, &[b"\x0a\0\0\0\xff\x6a\x04blocked"], Greeting, Refused),
    (
        Mysql,
        &[b"\x1a\0\0\0\x0a5\0\x01\0\0\0abcdefgh\0\xff\xf7\x21\x02\0\0\0\0\0\0"],
        Greeting,
        NotOffered,
    ),
    (Mysql, &[b"\x03\0\0\0\x0a5\0"], Greeting, Malformed),
    (Mysql, &[b"\0\0\0\0"], Greeting, Malformed),
    (Mysql, &[b"\x03\0\0\x01\x0a5\0"], Greeting, Malformed),
    (Mysql, &[b"\xff\xff\xff\0"], Greeting, TooLong),
    (Xmpp, &[b"HTTP/1.1 400\r\n"], Greeting, Malformed),
    (Xmpp, &[b"<!DOCTYPE html>"], Greeting, Malformed),
    (Xmpp, &[b"<html>"], Greeting, Malformed),
    (Xmpp, &[b"<stream:stream xmlns:stream='urn:other' version='1.0'>"], Greeting, Malformed),
    (
        Xmpp,
        &[b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>"],
        Greeting,
        NotOffered,
    ),
    (Xmpp, &[XMPP_HEADER, b"<stream:features/>"], Capabilities, NotOffered),
    (
        Xmpp,
        &[XMPP_HEADER, b"<stream:features><starttls xmlns='x'/></stream:features>"],
        Capabilities,
        NotOffered,
    ),
    (
        Xmpp,
        &[
            XMPP_HEADER,
            b"<stream:features><a><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></a>\
        </stream:features>",
        ],
        Capabilities,
        NotOffered,
    ),
    (Xmpp, &[XMPP_HEADER, b"<stream:error><host-unknown/>"], Capabilities, Refused),
    (Xmpp, &[XMPP_HEADER, b"</stream:stream>"], Capabilities, Refused),
    (Xmpp, &[XMPP_HEADER, b"</stream>"], Capabilities, Malformed),
    (Xmpp, &[XMPP_HEADER, PROCEED], Capabilities, Malformed),
    (Xmpp, &[XMPP_BOTH, b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"], Upgrade, Refused),
    (Xmpp, &[XMPP_BOTH, b"<proceed xmlns='urn:other'/>"], Upgrade, Malformed),
    (Xmpp, &[XMPP_BOTH, b"text"], Upgrade, Malformed),
    (XmppServer, &[b"<?xml version='1.0'?><?xml version='1.0'?>"], Greeting, Malformed),
];
