-- Tables and keys, and not a row.
CREATE TABLE parent (parent_id int PRIMARY KEY, name text);
CREATE TABLE child (child_id int PRIMARY KEY, parent_id int REFERENCES parent, born date);
