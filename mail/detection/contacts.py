"""Finds the addresses a notice names as those to write to instead: they live, whatever failed."""

from __future__ import annotations

import re2

from mail.detection.addresses import find_address

MAX_NOTICE = 6000  # characters
MAX_GAP = 70  # characters between the words and the address
# What asks the reader to write somewhere, in many languages.
ASKING = re2.compile(
    r"(?i)\b(?:contact|write|please (?:re)?send|please (?:use|e-?mail|mail|forward|direct|address|try|reply)|"
    r"kindly (?:re)?send|(?:re)?send (?:it|them|this) to|reach (?:me|us|him|her|them)|resend|instead,? (?:use|to)|"
    r"questions|enquiries|inquiries|for (?:help|assistance|support)|new (?:e-?mail )?address|has changed to|"
    r"replaced by|successor|"
    r"wenden sie sich|schreiben sie|kontaktieren sie|senden sie|richten sie|verwenden sie|nutzen sie|"
    r"neue (?:e-?mail-?)?adresse|r.ckfragen|nachfolger|"
    r"contacte[rz]|.crire|.crivez|adresse[rz]-?|veuillez (?:r.)?envoyer|merci d['’e]|nouvelle adresse|"
    r"contacto con|contactar|escriba|escribir|env.e|dir.jase|nueva direcci.n|"
    r"contatt[aio]|scrivere|scriva|rivolgersi|inviare|nuovo indirizzo|"
    r"contat[eo]|escreva|envie|novo endere.o|"
    r"contact op|stuur|mail naar|schrijf|nieuw (?:e-?mail)?adres|"
    r"kontaktu|o kontakt|napisz|pisa.|nowy adres|"
    r"kontakta|kontakt|skriv til|skriv till|ny adresse?|ota yhteytt)|"
    r"обратитесь|обращайтесь|свяжитесь|напишите|новый адрес|зверніться|"
    r"iletişim|お問い合わせ|問い合わせ|ご連絡|请联系|請聯繫|联系|문의|επικοινων"
)
SENTENCE_END = re2.compile(r"[.!?。！？]\s|[。！？]")


def contacts_in(notice: str) -> frozenset[str]:
    """The addresses (lower case) that `notice` names for the first time where it asks to write to them."""
    notice = notice[:MAX_NOTICE]
    lower = notice.lower()
    found = set()
    for match in ASKING.finditer(notice):
        place = find_address(notice, match.end())
        if place is None:
            break
        address = place[0].lower()
        between = notice[match.end() : place[1]]
        if len(between) < MAX_GAP and not SENTENCE_END.search(between) and lower.find(address) == place[1]:
            found.add(address)
    return frozenset(found)
