"""Finds the addresses a notice names as those to write to instead, or who report: they live, whatever failed."""

from __future__ import annotations

import re2

from mail.detection.addresses import find_address

MAX_NOTICE = 6000  # characters
MAX_FOUND = 20
MAX_GAP = 70  # characters between the words and the address
# What asks the reader to write somewhere, in many languages.
ASKING = re2.compile(
    r"(?i)(?:^|[.!?,;:]\s+|\bor |\band )write to|"
    r"\b(?:contact\b|ask\b|mail us|please (?:write|(?:re)?send|use|e-?mail|mail|forward|direct|address|try|reply)|"
    r"kindly (?:re)?send|(?:re)?send (?:it|them|this) to|reach (?:me|us|him|her|them)|resend|instead,? (?:use|to)|"
    r"questions|enquiries|inquiries|for (?:help|assistance|support)|new (?:e-?mail )?address|has changed to|"
    r"replaced by|successor|"
    r"wenden sie sich|schreiben sie|kontaktieren sie|senden sie|richten sie|verwenden sie|nutzen sie|"
    r"neue (?:e-?mail-?)?adresse|r.ckfragen|nachfolger|"
    r"contacte[rz]|.crire|.crivez|adresse[rz]-?|veuillez (?:r.)?envoyer|merci d['’e]|nouvelle adresse|"
    r"contacto con|contactar|escriba|escribir|env.e|dir.jase|nueva direcci.n|"
    r"contatt[aio]|scrivere|scriva|rivolgersi|prega di inviare|nuovo indirizzo|"
    r"contat[eo]|escreva|envie|novo endere.o|"
    r"contact op|stuur|mail naar|schrijf|nieuw (?:e-?mail)?adres|"
    r"kontaktu|o kontakt|napisz|pisa.|nowy adres|"
    r"kontakta|kontakt|skriv til|skriv till|ny adresse?|ota yhteytt)|"
    r"обратитесь|обращайтесь|свяжитесь|напишите|новый адрес|зверніться|"
    r"iletişim|お問い合わせ|問い合わせ|ご連絡|请联系|請聯繫|联系|문의|επικοινων"
)
# "Unable to contact the server of address" tells of a failure.
FAILING = re2.compile(
    r"(?i)(?:\bnot|n't|\b(?:unable to|failed to|failure to|trying to|tried to|attempt(?:ed|s)? to|while|nicht|pas|"
    r"impossible de|impossibile|no (?:se )?(?:pud|pued)\w*|kon|kunde|nie mo.na))\s+(?:be |to )?$"
)
# What is said of such an address after it.
OFFERED = re2.compile(
    r"(?i)^>?[\"')]* (?:is (?:the|my|his|her|their|our) new|is now (?:the|my|his|her|responsible)|instead|"
    r"will (?:help|gladly|answer)|can help|helps?\b|takes? over|hilft|anstelle|stattdessen|weiter\b)"
)
# The one who reports, not the one who failed: "support@host could not deliver your message".
REPORTING = re2.compile(
    r"(?i)^>?[\"')]* (?:could not|couldn't|can ?not|can't|(?:was|is|were) (?:unable|not able) to|(?:has )?failed to) "
    r"(?:deliver|send|forward|relay|transmit)\b|"
    r"^>?[\"')]* (?:konnte (?:\S+ ){1,4}nicht (?:zustellen|senden|weiterleiten)|n'a pas pu (?:remettre|livrer|"
    r"distribuer|transmettre|envoyer)|no (?:pudo|ha podido) (?:entregar|enviar)|non (?:è riuscito a|ha potuto) "
    r"(?:consegnare|recapitare|inviare)|não (?:conseguiu|pôde) (?:entregar|enviar))"
)
# "Contact the recipient by phone: address" gives no other address.
RECIPIENT = re2.compile(
    r"(?i)\b(?:recipient|addressee|user|empf.nger|adressat|destinat|ontvanger|odbior|mottag|modtag|utilisateur|usuario)"
    r"|получател|адресат|收件人|宛先"
)
SENTENCE_END = re2.compile(r"[.!?。！？]\s|[。！？]")


def contacts_in(notice: str) -> frozenset[str]:
    """The addresses (lower case) that `notice` names first where it asks to write to them, or that report."""
    notice = notice[:MAX_NOTICE]
    lower = notice.lower()
    found = set()
    for match in ASKING.finditer(notice):
        place = find_address(notice, match.end())
        if place is None:
            break
        address = place[0].lower()
        between = notice[match.end() : place[1]]
        if len(between) > MAX_GAP or SENTENCE_END.search(between) or RECIPIENT.search(between):
            continue
        is_first = lower.find(address) == place[1]
        if is_first and not FAILING.search(notice[max(match.start() - MAX_GAP, 0) : match.start()]):
            found.add(address)
    place = find_address(notice)
    while place is not None and len(found) < MAX_FOUND:
        after = notice[place[2] : place[2] + MAX_GAP]
        if OFFERED.search(after) or REPORTING.search(after):
            found.add(place[0].lower())
        place = find_address(notice, place[2])
    return frozenset(found)
