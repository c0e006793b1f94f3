"""Tells whose address or mailbox a phrase denies: what is said of another proves no dead recipient.

"Unknown user policy" denies a policy, "sender address unknown" a sender, "address not found in
From" a header: a phrase about a recipient is believed only where it stands once without such words.
"""

from __future__ import annotations

from functools import lru_cache

import re2

from mail.detection.phrases import Phrase, compiled, plain, word_sets

MAX_NEAR = 80  # characters read on either side
RECIPIENT = r"(?:user|recipient|mailbox|account|alias|address|domain)"
# Whose address is meant stands right before the noun; "returned to sender" says nothing of it.
OF_SENDER = (
    r"(?:^|[^\pL\pN])(?:{sender})(?:'s|s)? (?:(?:mail|e-?mail|envelope) )?$|"
    r"(?:送信者|差出人|発信者|发件人|寄件人|发信人)[^ .,:;、。]{0,12}$"
)
TO_SENDER = r"\bto (?:the |your )?sender $"
# "The certificate of the recipient", "the server that holds the mailbox"
OF = (
    r" (?:(?:of|for|with|de|du|del|della|di|do|da|des|von|fur|pour|para|per|van|voor) "
    r"(?:(?:the|this|that|your|la|le|el|lo|il|de|het|den|die|diese|dieses|dieser|dem|cet|cette|este|esta|questo|"
    r"dit|deze) )?|de l'|del'|dell'|d')"
)
OF_THING = (
    rf"(?:^|[^\pL\pN])(?:{{thing}}|{{part}}){OF}$|(?:^|[^\pL])(?:сертификат|сервер|ключ) $|"
    r"\b(?:by|from) (?:an |any )?$|"  # who was refused: "submission by unknown user"
    r"\b(?:that|which) (?:holds|hosts|stores|contains|serves|keeps) (?:the |this |your |his |her )?$"
)
# "El servidor no existe": a denial without a noun belongs to the noun before it.
DENIAL = (
    r"(?:ya )?no existe|n'existe|non esiste|nao existe|bestaat niet|is niet gevonden|"
    r"(?:konnte|wurde) nicht gefunden|n'a pas ete trouve|non e stato trovato|mevcut degil|neexistuje|"
    r"est introuvable|nao foi encontrado|не найден|не зарегистрирован|存在しません|見つかりません"
)
# So it is believed only after such a noun, or after none at all.
AFTER_RECIPIENT = (
    r"@|usuari|destinat|cuenta|buzon|direccion|correo|casilla|utente|indirizzo|casella|account|conta|caixa|endereco|"
    r"utiliza|gebruiker|ontvanger|adres|postvak|mail|compte|boite|utilisateur|empfanger|benutzer|nutzer|postfach|konto|"
    r"user|recipient|alici|kullanici|hesap|posta|uzivatel|prijemc|schrank|ucet|пользовател|получател|адрес|ящик|учетн|ユーザ|アドレス|宛|受信者|アカウント|メール|ボックス|"
    r"domain|domin|domein|doma|persona|personne|alias|empleado|^[^\pL]*$"
)
CLAUSE_END = re2.compile(r"[.:;!?] ")
AFTER_THING = (
    r"(?:^|[^\pL\pN])(?:{thing}|{part}|\pL*(?:verzeichnis|zertifikat|schlussel|datenbank|server|dienst))"
    rf"(?:{OF}(?:[^ .,:;@]+ )?| )(?:se )?$"
)
WITH_THING = rf"\b{RECIPIENT} (?:{{thing}})\b"
AFTER = "|".join(
    (
        # a form that is not understood
        r"^ (?:format|syntax|type|header|headers|charset|encoding|policy)\b",
        # a place where living recipients are missing, too
        r"^s? (?:[^ .,:;@]+ )?(?:in|to|by|among|from|within) (?:(?:the|your|our|its|any|a) )?"
        r"(?:(?:[^ .,:;@]+ ){0,2}"
        r"(?:{sender}|contacts|policy|filter|module|configuration|header|headers|next hop)|"
        r"from|to|cc|reply-to|return-path)"
        r"(?:[ ,;:)]|\. |\.?$)",
        # "cannot be found to have space left"
        r"^ to (?:have|be|hold|contain)\b",
        # for a while
        r"^[^.;:]{0,40} (?:yet|until)\b",
        # a rule about people in general
        r"^s? (?:may|must|can|cannot|are|mogen|kunnen|durfen|ne peuvent|no pueden|non possono|nao podem|nie moga) ",
    )
)


def denies_recipient(phrase: Phrase, words: str) -> bool:
    """Whether a phrase about a dead recipient or domain says so, of that, somewhere in `words`."""
    words = plain(words)
    return any(is_of_recipient(words, *match.span()) for match in compiled(phrase.text).finditer(words))


def is_of_recipient(words: str, start: int, end: int) -> bool:
    """Whether what stands between `start` and `end` is not said of something else."""
    before, found, after = words[max(start - MAX_NEAR, 0) : start], words[start:end], words[end:][:MAX_NEAR]
    patterns = finders()
    if patterns["of other"].search(before) and not patterns["to sender"].search(before):
        return False
    if patterns["denial"].match(found):
        clause = CLAUSE_END.split(before)[-1]
        if patterns["after thing"].search(before) or not patterns["after recipient"].search(clause):
            return False
    thing = patterns["with thing"].search(found + after)
    return (thing is None or thing.start() >= len(found)) and not patterns["after"].match(after)


def is_thing(word: str) -> bool:
    """Whether `word` is one of the things that a noun for a recipient may describe."""
    return word in word_sets()["thing"].split("|")


@lru_cache(maxsize=1)
def finders() -> dict[str, re2._Regexp]:
    """The patterns above with the words of words.tsv."""
    patterns = {
        "of other": f"{OF_SENDER}|{OF_THING}",
        "to sender": TO_SENDER,
        "denial": DENIAL,
        "after thing": AFTER_THING,
        "after recipient": AFTER_RECIPIENT,
        "with thing": WITH_THING,
        "after": AFTER,
    }
    return {name: re2.compile(plain(with_words(pattern))) for name, pattern in patterns.items()}


def with_words(pattern: str) -> str:
    """`pattern` with the sets of words it names in braces."""
    for name in ("sender", "thing", "part"):
        pattern = pattern.replace("{" + name + "}", f"(?:{word_sets()[name]})")
    return pattern
