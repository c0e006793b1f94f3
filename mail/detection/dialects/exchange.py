"""Microsoft Exchange 5.5 to 2019"""

from mail.detection.dialects.dialect import Dialect

DIALECTS = (
    Dialect(
        name="exchange",
        source="Exchange",
        marks=(
            "did not reach the following recipient",
            "diagnostic information for administrators",
            "generating server:",
            "your message did not reach some or all of the intended recipients",
            "delivery has failed to these recipients",
            "delivery has failed to these recipients or groups",
            "diagnoseinformationen für administratoren",
            "informations de diagnostic pour les administrateurs",
            "información de diagnóstico para administradores",
            "informazioni di diagnostica per gli amministratori",
            "informações de diagnóstico para administradores",
            "diagnostische gegevens voor beheerders",
            "informacje diagnostyczne dla administratorów",
            "диагностические сведения для администраторов",
            "yöneticiler için tanılama bilgileri",
            "管理者向けの診断情報",
            "管理员的诊断信息",
            "管理員的診斷資訊",
            "this is an automatically generated delivery status notification",
        ),
    ),
)
