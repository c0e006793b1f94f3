FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DEBUG=false
WORKDIR /app
RUN useradd --uid 10001 --create-home apiconnect && install -d -o apiconnect var

COPY requirements/run.txt requirements/run.txt
RUN pip install --no-cache-dir -r requirements/run.txt

COPY . .
# Collecting needs settings, and settings need keys: throw-away ones, present in this step only.
RUN SECRET_KEY=build FIELD_ENCRYPTION_KEYS=$(python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())") \
    python manage.py collectstatic --noinput --verbosity 0

USER apiconnect
EXPOSE 8000
# A heartbeat file of gunicorn's on a disk that blocks would make it restart workers for nothing.
CMD ["gunicorn", "apiconnect.wsgi", "--bind", "0.0.0.0:8000", "--workers", "3", "--threads", "4", "--worker-tmp-dir", "/dev/shm", \
     "--no-control-socket"]
