"""What mail programs write around a reply, in the languages they speak; mail.replies reads it."""

from __future__ import annotations


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in text.split(",") if phrase.strip())


# The last words of "On 16 November 2026, Ada wrote:".
WROTE = _phrases("""
    wrote, schrieb, a écrit, escribió, escreveu, ha scritto, scrive, schreef, het volgende geschreven,
    skrev, kirjoitti, napsal, napsala, napsal(a), napisał, napisała, napisał(a), pisze, a scris, írta,
    ezt írta, yazdı, şunu yazdı, va escriure, написал, написала, написал(а), пишет, писав, пише,
    έγραψε, đã viết, menulis, napísal, napísal(a), je napisao, je napisao/la, כתב, كتب
""")
# The same where no blank stands before them.
WROTE_CJK = _phrases("写道, 寫道, のメール, さんは書きました, 님이 작성, 님이 씀")
# Languages that put the writer or the date behind the verb: "Ada schrieb am 16.11.2026:".
WROTE_FIRST = _phrases("schrieb, schreef, skrev, geschrieben")

# What stands between the dashes of a divider line.
DIVIDERS = _phrases("""
    original message, original appointment, forwarded message, ursprüngliche nachricht,
    originalnachricht, weitergeleitete nachricht, message d'origine, message original,
    message transféré, mensaje original, mensaje reenviado, mensagem original, mensagem encaminhada,
    messaggio originale, messaggio inoltrato, oorspronkelijk bericht, doorgestuurd bericht,
    oprindelig meddelelse, ursprungligt meddelande, opprinnelig melding, alkuperäinen viesti,
    wiadomość oryginalna, původní zpráva, eredeti üzenet, özgün ileti, orijinal mesaj,
    исходное сообщение, пересылаемое сообщение, 原始邮件, 原始郵件, 元のメッセージ, 원본 메시지
""")
# Apple Mail's line above a forwarded message.
FORWARDED = _phrases("""
    begin forwarded message, anfang der weitergeleiteten nachricht, début du message réexpédié,
    inicio del mensaje reenviado, inizio messaggio inoltrato, begin doorgestuurd bericht
""")

# Outlook's block above the message that was answered: who sent it …
FROM_FIELDS = _phrases("""
    from, von, de, da, van, fra, från, od, feladó, kimden, gönderen, lähettäjä, от, від, από, 发件人,
    寄件者, 差出人, 보낸 사람
""")
# … and when, to whom and about what.
DETAIL_FIELDS = _phrases("""
    sent, to, cc, subject, date, gesendet, datum, an, betreff, envoyé, à, objet, enviado, enviado el,
    enviada em, enviado em, para, asunto, assunto, fecha, data, inviato, a, oggetto, verzonden, aan,
    onderwerp, sendt, til, emne, dato, skickat, till, ämne, wysłano, do, temat, odesláno, komu,
    předmět, elküldve, címzett, tárgy, gönderildi, gönderme tarihi, tarih, kime, konu, lähetetty, aihe,
    vastaanottaja, отправлено, дата, кому, тема, 发送时间, 收件人, 主题, 日期, 寄件日期, 收件者, 主旨,
    送信日時, 宛先, 件名, 보낸 날짜, 받는 사람, 제목
""")

# How the line begins that a telephone or a mail program adds below what was written.
SENT_FROM = _phrases("""
    sent from my, sent from mail for, sent from outlook, sent from yahoo, sent from proton, sent via,
    get outlook for, gesendet von meinem, gesendet von outlook, gesendet von mail, gesendet mit der,
    von meinem iphone gesendet, outlook für, envoyé de mon, envoyé depuis, télécharger outlook pour,
    enviado desde mi, enviado do meu, obtener outlook para, inviato da, scarica outlook per,
    verzonden vanaf, verzonden met, skickat från, sendt fra, lähetetty, wysłane z, wysłano z,
    odesláno z, отправлено с, отправлено из, iphone'umdan gönderildi, 发自我的, 從我的 iphone 傳送,
    iphoneから送信, 나의 iphone에서 보냄
""")
# A closing that has a line to itself; what follows it is name and address.
CLOSINGS = _phrases("""
    best regards, kind regards, kindest regards, warm regards, many regards, best wishes, regards,
    sincerely, sincerely yours, yours sincerely, yours truly, yours faithfully,
    mit freundlichen grüßen, mit freundlichen gruessen, freundliche grüße, viele grüße, beste grüße,
    liebe grüße, mfg, vg, lg, cordialement, bien cordialement, bien à vous, saludos, un saludo,
    atentamente, cordiali saluti, distinti saluti, met vriendelijke groet, met vriendelijke groeten,
    med venlig hilsen, med vänliga hälsningar, vänliga hälsningar, med vennlig hilsen, mvh,
    ystävällisin terveisin, z poważaniem, pozdrawiam, s pozdravem, atenciosamente, cumprimentos,
    saygılarımla, с уважением, üdvözlettel
""")
