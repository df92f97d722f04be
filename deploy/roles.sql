-- The roles and the database of deploy/compose.yaml; given again, it changes nothing that is there.
-- The passwords are those of the files that libpq reads: HOST:PORT:DATABASE:ROLE:PASSWORD.
\set owner `cut -d: -f5- /run/secrets/owner.pgpass`
\set server `cut -d: -f5- /run/secrets/serve.pgpass`
SELECT format('CREATE ROLE tidings_owner LOGIN PASSWORD %L', :'owner')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tidings_owner') \gexec
SELECT format('CREATE ROLE tidings LOGIN PASSWORD %L', :'server')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tidings') \gexec
SELECT 'CREATE DATABASE tidings OWNER tidings_owner ENCODING ''UTF8'' TEMPLATE template0'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'tidings') \gexec
