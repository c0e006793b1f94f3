import time

import pytest

from mail.replies import reply_text
from mail.text import html_to_text

QUOTE_HEADERS = [
    "On Mon, Nov 16, 2026 at 9:12 AM Acme News <news@acme.example> wrote:",
    "On Mon, Nov 16, 2026 at 9:12 AM Acme News With A Long Name <news@acme.example>\nwrote:",
    "On 16/11/2026 09:12, Acme News wrote:",
    "Am 16.11.2026 um 09:12 schrieb Acme News <news@acme.example>:",
    "Am Mo., 16. Nov. 2026 um 09:12 Uhr schrieb Acme <\nnews@acme.example>:",
    "Acme News <news@acme.example> schrieb am Mo., 16. Nov. 2026, 09:12:",
    "Le lun. 16 nov. 2026 à 09:12, Acme News <news@acme.example> a écrit :",
    "El lun, 16 nov 2026 a las 9:12, Acme News (<news@acme.example>) escribió:",
    "Em seg., 16 de nov. de 2026 às 09:12, Acme <news@acme.example> escreveu:",
    "Il giorno lun 16 nov 2026 alle ore 09:12 Acme <news@acme.example> ha scritto:",
    "Op ma 16 nov 2026 om 09:12 schreef Acme <news@acme.example>:",
    "Den mån 16 nov. 2026 kl 09:12 skrev Acme <news@acme.example>:",
    "pon., 16 lis 2026 o 09:12 Acme <news@acme.example> napisał(a):",
    "po 16. 11. 2026 v 9:12 odesílatel Acme <news@acme.example> napsal:",
    "Acme <news@acme.example>, 16 Kas 2026 Pzt, 09:12 tarihinde şunu yazdı:",
    "пн, 16 нояб. 2026 г. в 09:12, Acme <news@acme.example>:",
    "16.11.2026 9:12, Acme пишет:",
    "Acme <news@acme.example> 于2026年11月16日周一 09:12写道：",
    "2026年11月16日(月) 9:12 Acme <news@acme.example>:",
    "2026년 11월 16일 (월) 오전 9:12, Acme <news@acme.example>님이 작성:",
]


@pytest.mark.parametrize("header", QUOTE_HEADERS)
def test_it_takes_out_a_marked_quote_with_its_header(header):
    text = f"Please stop.\n\n{header}\n\n> Hello Ada,\n> our news: unsubscribe here\n>\n>> older\n"
    assert reply_text(text) == "Please stop."


@pytest.mark.parametrize("header", QUOTE_HEADERS)
def test_it_takes_out_everything_below_a_header_without_marks(header):
    assert (
        reply_text(f"Please stop.\n\n{header}\n\nHello Ada,\nour news: unsubscribe here\n") == "Please stop."
    )


OUTLOOK = [
    "From: Acme News <news@acme.example>\nSent: Monday, 16 November 2026 09:12\nTo: Ada\nSubject: News",
    "*From:* Acme News\n*Sent:* Monday, 16 November 2026 09:12\n*To:* Ada\n*Subject:* News",
    "________________________________\nFrom: Acme News\nSent: Monday\nTo: Ada\nSubject: News",
    "________________________________\n\nVon: Acme\nGesendet: Montag, 16. November\nAn: Ada\nBetreff: News",
    "De : Acme\nEnvoyé : lundi 16 novembre 2026 09:12\nÀ : Ada\nObjet : News",
    "De: Acme\nEnviado: lunes, 16 de noviembre de 2026 9:12\nPara: Ada\nAsunto: News",
    "Da: Acme\nInviato: lunedì\nA: Ada\nOggetto: News",
    "Van: Acme\nVerzonden: maandag\nAan: Ada\nOnderwerp: News",
    "Od: Acme\nWysłano: poniedziałek\nDo: Ada\nTemat: News",
    "Kimden: Acme\nGönderildi: Pazartesi\nKime: Ada\nKonu: News",
    "От: Acme\nОтправлено: понедельник\nКому: Ada\nТема: News",
    "发件人: Acme\n发送时间: 2026年11月16日\n收件人: Ada\n主题: News",
    "差出人: Acme\n送信日時: 2026年11月16日\n宛先: Ada\n件名: News",
    "-----Original Message-----\nwhatever",
    "----- Ursprüngliche Nachricht -----\nwhatever",
    "---------- Forwarded message ---------\nwhatever",
    "Begin forwarded message:\nwhatever",
    "-------- Message d’origine --------\nwhatever",
]


@pytest.mark.parametrize("block", OUTLOOK)
def test_it_takes_out_everything_below_a_divider(block):
    assert reply_text(f"Please stop.\n\n{block}\n\nunsubscribe here") == "Please stop."


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nAda Lovelace\nunsubscribe coach",
        "--\nAda",
        "Sent from my iPhone",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Gesendet von meinem iPhone",
        "Envoyé de mon iPhone",
        "iPhone’umdan gönderildi",
        "发自我的 iPhone",
        "Best regards,\nAda Lovelace\nThe Analytical Engine Ltd",
        "Mit freundlichen Grüßen\nAda",
        "С уважением,\nАда",
    ],
)
def test_it_takes_out_a_signature(signature):
    assert reply_text(f"STOP\n\n{signature}\n") == "STOP"


def test_it_keeps_answers_below_and_between_quoted_lines():
    text = "On 16/11/2026 09:12, Acme wrote:\n> Do you like it?\nNo.\n> Shall we go on?\nPlease stop.\n"
    assert reply_text(text) == "No.\nPlease stop."


@pytest.mark.parametrize(
    "text",
    [
        "On 5 May 2026 I wrote:\nplease remove me. Do it.",
        "This is what my colleague wrote:\nstop it, please",
        "From: now on I want nothing.\nThanks",
        "Thanks,\nplease unsubscribe me",
        "To: whom it may concern\nstop",
        "- please stop\n- and delete my data",
        "I ordered on 16.11.2026 and this is what you sent:\nnonsense",
        "Regards to the team!\nStop mailing.",
        "Hinweis: bitte austragen",
        "/unsubscribe",
    ],
)
def test_it_leaves_a_person_s_own_words_alone(text):
    assert reply_text(text) == text


def test_it_finds_nothing_where_all_is_quoted():
    assert reply_text("> Hello\n> there") == ""
    assert reply_text("From: Acme\nSent: today\nTo: Ada\nSubject: x\n\nHello") == ""
    assert reply_text("") == ""


def test_it_reads_the_reply_out_of_html_alone():
    gmail = (
        '<div dir="ltr">Please <b>stop</b>&nbsp;it.</div><br><div class="gmail_quote">'
        "<div>On Mon, Nov 16, 2026 at 9:12 AM Acme &lt;news@acme.example&gt; wrote:<br></div>"
        '<blockquote class="gmail_quote"><p>Hello Ada</p><p>unsubscribe</p></blockquote></div>'
    )
    outlook = (
        "<p>Please stop it.</p><div id=appendonsend></div><hr><div><b>From:</b> Acme &lt;n@a.example&gt;<br>"
        "<b>Sent:</b> Monday<br><b>To:</b> Ada<br><b>Subject:</b> News</div><div>Hello, unsubscribe</div>"
    )
    assert reply_text(html_to_text(gmail)) == "Please stop it."
    assert reply_text(html_to_text(outlook)) == "Please stop it."


@pytest.mark.parametrize(
    "text",
    [
        "On " * 200_000,
        "On x\n" * 100_000,
        " \n" * 200_000,
        "From: a\n" * 100_000,
        "____________\n" * 50_000,
        ">" * 400_000,
        "Am 16.11.2026 schrieb " * 20_000 + ":",
        "1@\n" * 100_000 + "wrote:",
        "-" * 300_000,
        "\n" * 400_000,
        "İ" * 400_000,
    ],
)
def test_no_text_takes_long(text):
    started = time.monotonic()
    reply_text(text)
    assert time.monotonic() - started < 3
