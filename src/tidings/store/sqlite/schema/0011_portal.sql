-- Portals: what a link opens, and what a session that began with one is limited to ---------------
-- JSON that the engine reads (`engine/access/portals.py`); empty for everybody else.

ALTER TABLE link ADD COLUMN portal BLOB NOT NULL DEFAULT x'';
ALTER TABLE session ADD COLUMN portal BLOB NOT NULL DEFAULT x'';
