--- discovery_cases: small databases, each with what discovery has to see in it and what it must not.
---
--- `sql` is run in a schema of its own, called as the case. `found`: the relations that are believed, all of
--- them, in the order of their text; `links`: the link tables.
return {
  {
    name = "accident", why = "serial keys and small numbers lie within each other by accident",
    sql = [[
      CREATE TABLE customer (customer_id int PRIMARY KEY, name text);
      CREATE TABLE product (product_id int PRIMARY KEY, name text, stock_level int);
      CREATE TABLE sale (sale_id int PRIMARY KEY, customer_id int, product_id int, quantity int, floor int, note text);
      INSERT INTO customer SELECT i, 'Name ' || i FROM generate_series(1, 150) AS i;
      INSERT INTO product SELECT i, 'Thing ' || i, i % 37 FROM generate_series(1, 90) AS i;
      INSERT INTO sale SELECT i, 1 + i * 7919 % 150, 1 + i * 104729 % 90, 1 + i % 5, i % 12, 'n' || i % 50 FROM generate_series(1, 900) AS i;]],
    found = { "sale.customer_id -> customer.customer_id", "sale.product_id -> product.product_id" },
    links = {},
  },
  {
    name = "renamed", why = "the same with names that say nothing: the data alone decides",
    sql = [[
      CREATE TABLE t1 (k7 int PRIMARY KEY, a2 text);
      CREATE TABLE t2 (k9 int PRIMARY KEY, a4 text, a5 int);
      CREATE TABLE t3 (k3 int PRIMARY KEY, b1 int, b2 int, b3 int, b4 int, b5 text);
      INSERT INTO t1 SELECT i, 'Name ' || i FROM generate_series(1, 150) AS i;
      INSERT INTO t2 SELECT i, 'Thing ' || i, i % 37 FROM generate_series(1, 90) AS i;
      INSERT INTO t3 SELECT i, 1 + i * 7919 % 150, 1 + i * 104729 % 90, 1 + i % 5, i % 12, 'n' || i % 50 FROM generate_series(1, 900) AS i;]],
    found = { "t3.b1 -> t1.k7", "t3.b2 -> t2.k9" },
  },
  {
    name = "keyless", why = "no key is declared: values that are unique and names do",
    sql = [[
      CREATE TABLE author (aid int, name text);
      CREATE TABLE paper (pid int, title text, year int);
      CREATE TABLE writes (aid int, pid int);
      INSERT INTO author SELECT i, 'Author ' || i FROM generate_series(1, 20) AS i;
      INSERT INTO paper SELECT i, 'On ' || i, 1990 + i % 30 FROM generate_series(1, 60) AS i;
      INSERT INTO writes SELECT 1 + i % 20, 1 + i % 60 FROM generate_series(1, 120) AS i;]],
    found = { "writes.aid -> author.aid", "writes.pid -> paper.pid" },
    links = { "writes" },
  },
  {
    name = "itself", why = "rows that refer to rows of their own table",
    sql = [[
      CREATE TABLE employee (employee_id int PRIMARY KEY, name text, reports_to int, room int);
      INSERT INTO employee SELECT i, 'Name ' || i, nullif(i / 3, 0), 100 + i % 9 FROM generate_series(1, 80) AS i;]],
    found = { "employee.reports_to -> employee.employee_id" },
  },
  {
    name = "composite", why = "two columns together; a part of them leads on from there, and is not told again",
    sql = [[
      CREATE TABLE orders (order_id int PRIMARY KEY, placed date);
      CREATE TABLE line (order_id int, line_no int, price numeric(8,2), PRIMARY KEY (order_id, line_no));
      CREATE TABLE refund (refund_id int PRIMARY KEY, order_id int, line_no int, quantity int);
      INSERT INTO orders SELECT i, date '2024-01-01' + i % 200 FROM generate_series(1, 120) AS i;
      INSERT INTO line SELECT i, n, i * n FROM generate_series(1, 120) AS i, generate_series(1, 1 + i % 4) AS n;
      INSERT INTO refund SELECT row_number() OVER (), order_id, line_no, 1 + (order_id + line_no) % 3 FROM line WHERE (order_id * 7 + line_no * 3) % 5 = 0;]],
    found = { "(refund.order_id, refund.line_no) -> (line.order_id, line.line_no)", "line.order_id -> orders.order_id" },
  },
  {
    name = "namesake", why = "of two columns that may stand for a part of the key, the one that is called so is meant",
    sql = [[
      CREATE TABLE orders (order_id int PRIMARY KEY, placed date);
      CREATE TABLE line (order_id int, line_no int, price numeric(8,2), PRIMARY KEY (order_id, line_no));
      CREATE TABLE refund (refund_id int PRIMARY KEY, order_id int, line_no int, reason_code int);
      INSERT INTO orders SELECT i, date '2024-01-01' + i % 200 FROM generate_series(1, 120) AS i;
      INSERT INTO line SELECT i, n, i * n FROM generate_series(1, 120) AS i, generate_series(1, 1 + i % 4) AS n;
      INSERT INTO refund SELECT row_number() OVER (), order_id, line_no, 1 + order_id % 2 FROM line
        WHERE (order_id * 7 + line_no * 3) % 5 = 0;]],
    found = { "(refund.order_id, refund.line_no) -> (line.order_id, line.line_no)", "line.order_id -> orders.order_id" },
  },
  {
    name = "grid", why = "few small numbers, without names: only that they are found in pairs tells",
    sql = [[
      CREATE TABLE g1 (p int, q int, t text, PRIMARY KEY (p, q));
      CREATE TABLE g2 (z text PRIMARY KEY, r int, s int);
      INSERT INTO g1 SELECT p, q, 'T' FROM generate_series(1, 9) AS p, generate_series(1, 9) AS q WHERE (p * 5 + q * 3) % 7 < 3;
      INSERT INTO g2 SELECT 'z' || row_number() OVER (), p, q FROM g1, generate_series(1, 3) WHERE p <= 4 AND q <= 4;]],
    found = { "(g2.r, g2.s) -> (g1.p, g1.q)" },
  },
  {
    name = "mutual", why = "two tables with the same keys: the one that others refer to is the parent",
    sql = [[
      CREATE TABLE profile (account uuid PRIMARY KEY, picture text);
      CREATE TABLE account (account uuid PRIMARY KEY, mail text, since date);
      CREATE TABLE login (login_no text PRIMARY KEY, account uuid);
      INSERT INTO account SELECT md5(i::text)::uuid, 'm' || i, date '2020-01-01' + i FROM generate_series(1, 40) AS i;
      INSERT INTO profile SELECT account, 'p' FROM account;
      INSERT INTO login SELECT 'L' || i, md5((1 + i % 40)::text)::uuid FROM generate_series(1, 90) AS i;]],
    found = { "login.account -> account.account", "profile.account -> account.account" },
  },
  {
    name = "pairs", why = "each column of a pair refers by itself: that the pair is in a link table too is no reference",
    sql = [[
      CREATE TABLE product (product_id int PRIMARY KEY, name text);
      CREATE TABLE offer (offer_id int PRIMARY KEY, title text);
      CREATE TABLE offer_product (offer_id int, product_id int, PRIMARY KEY (offer_id, product_id));
      CREATE TABLE item (item_id int PRIMARY KEY, offer_id int, product_id int);
      INSERT INTO product SELECT i, 'P' || i FROM generate_series(1, 70) AS i;
      INSERT INTO offer SELECT i, 'O' || i FROM generate_series(1, 25) AS i;
      INSERT INTO offer_product SELECT DISTINCT 1 + i * 31 % 25, 1 + i * 17 % 70 FROM generate_series(1, 300) AS i;
      INSERT INTO item SELECT row_number() OVER (), offer_id, product_id FROM offer_product, generate_series(1, 2)
        WHERE (offer_id + product_id) % 3 > 0;]],
    found = { "item.offer_id -> offer.offer_id", "item.product_id -> product.product_id",
      "offer_product.offer_id -> offer.offer_id", "offer_product.product_id -> product.product_id" },
    links = { "offer_product" },
  },
  {
    name = "polymorphic", why = "whose key it is depends on a second column",
    sql = [[
      CREATE TABLE post (id int PRIMARY KEY, title text);
      CREATE TABLE photo (id int PRIMARY KEY, place text);
      CREATE TABLE note (id int PRIMARY KEY, subject_type text, subject_id int, body text);
      INSERT INTO post SELECT i, 'T' || i FROM generate_series(1, 60) AS i;
      INSERT INTO photo SELECT i, 'P' || i FROM generate_series(1, 40) AS i;
      INSERT INTO note SELECT i, CASE WHEN i % 2 = 0 THEN 'Post' ELSE 'Photo' END, 1 + i * 7 % CASE WHEN i % 2 = 0 THEN 60 ELSE 40 END,
        'n' || i FROM generate_series(1, 200) AS i;]],
    found = { "note.subject_id -> photo.id where subject_type is Photo", "note.subject_id -> post.id where subject_type is Post" },
  },
  {
    name = "kinds", why = "the same where the second column holds codes, and the keys are apart",
    sql = [[
      CREATE TABLE x1 (a uuid PRIMARY KEY, b text);
      CREATE TABLE x2 (a uuid PRIMARY KEY, b text);
      CREATE TABLE x3 (a int PRIMARY KEY, c text, d uuid);
      INSERT INTO x1 SELECT md5('x1 ' || i)::uuid, 'T' || i FROM generate_series(1, 50) AS i;
      INSERT INTO x2 SELECT md5('x2 ' || i)::uuid, 'P' || i FROM generate_series(1, 30) AS i;
      INSERT INTO x3 SELECT i, CASE WHEN i % 2 = 0 THEN 'u' ELSE 'v' END,
        CASE WHEN i % 2 = 0 THEN md5('x1 ' || 1 + i * 7 % 50)::uuid ELSE md5('x2 ' || 1 + i * 7 % 30)::uuid END FROM generate_series(1, 200) AS i;]],
    found = { "x3.d -> x1.a where c is u", "x3.d -> x2.a where c is v" },
  },
  {
    name = "link", why = "a table that does nothing but link two others",
    sql = [[
      CREATE TABLE student (student_id int PRIMARY KEY, name text);
      CREATE TABLE course (course_code text PRIMARY KEY, title text);
      CREATE TABLE enrolment (student_id int, course_code text, PRIMARY KEY (student_id, course_code));
      INSERT INTO student SELECT i, 'S' || i FROM generate_series(1, 60) AS i;
      INSERT INTO course SELECT 'C-' || i * 37 % 101, 'Title ' || i FROM generate_series(1, 15) AS i;
      INSERT INTO enrolment SELECT DISTINCT 1 + i * 13 % 60, 'C-' || (1 + i * 7 % 15) * 37 % 101 FROM generate_series(1, 240) AS i;]],
    found = { "enrolment.course_code -> course.course_code", "enrolment.student_id -> student.student_id" },
    links = { "enrolment" },
  },
  {
    name = "one_to_one", why = "some rows of one have a row of the other, by the same key",
    sql = [[
      CREATE TABLE person (person_id int PRIMARY KEY, name text);
      CREATE TABLE passport (person_id int PRIMARY KEY, number text);
      INSERT INTO person SELECT i, 'P' || i FROM generate_series(1, 100) AS i;
      INSERT INTO passport SELECT i, 'N' || i * 7919 FROM generate_series(2, 100, 2) AS i;]],
    found = { "passport.person_id -> person.person_id" },
  },
  {
    name = "subtype", why = "all prescribers are physicians, who are staff: the nearer is meant",
    sql = [[
      CREATE TABLE staff (badge text PRIMARY KEY, name text);
      CREATE TABLE physician (badge text PRIMARY KEY, field text);
      CREATE TABLE prescription (prescription_id int PRIMARY KEY, prescribed_by text, drug text, form text);
      INSERT INTO staff SELECT 'B' || i * 7919 % 1000, 'S' || i FROM generate_series(1, 60) AS i;
      INSERT INTO physician SELECT 'B' || i * 7919 % 1000, 'F' || i % 5 FROM generate_series(1, 60, 4) AS i;
      INSERT INTO prescription SELECT i, 'B' || (1 + i % 15 * 4) * 7919 % 1000, 'D' || i % 30,
        CASE WHEN i % 3 > 0 THEN 'tablet' ELSE 'syrup' END FROM generate_series(1, 200) AS i;]],
    found = { "physician.badge -> staff.badge", "prescription.prescribed_by -> physician.badge" },
  },
  {
    name = "copies", why = "attributes that were copied with the key are no references",
    sql = [[
      CREATE TABLE customer (customer_id int PRIMARY KEY, address text, phone text);
      CREATE TABLE invoice (invoice_id int PRIMARY KEY, customer_id int, address text, phone text);
      INSERT INTO customer SELECT i, 'Street ' || i * 37, '+41 ' || i * 7919 FROM generate_series(1, 60) AS i;
      INSERT INTO invoice SELECT i, c.customer_id, c.address, c.phone FROM generate_series(1, 300) AS i
        JOIN customer AS c ON c.customer_id = 1 + i % 60;]],
    found = { "invoice.customer_id -> customer.customer_id" },
  },
  {
    name = "misleading", why = "names promise what the data does not keep",
    sql = [[
      CREATE TABLE product (product_id int PRIMARY KEY, name text);
      CREATE TABLE supplier (supplier_id int PRIMARY KEY, name text);
      CREATE TABLE delivery (delivery_id int PRIMARY KEY, product_id int, supplier_id int, old_supplier_id int);
      INSERT INTO product SELECT i, 'P' || i FROM generate_series(1, 50) AS i;
      INSERT INTO supplier SELECT i, 'S' || i FROM generate_series(101, 130) AS i;
      INSERT INTO delivery SELECT i, 1000 + i % 77, 101 + i * 7 % 30, 101 + i * 7 % 47 FROM generate_series(1, 300) AS i;]],
    found = { "delivery.supplier_id -> supplier.supplier_id" },
  },
  {
    name = "dealt", why = "names that were dealt to the wrong columns: the data contradicts them, so they count for nothing",
    sql = [[
      CREATE TABLE invoice (price int PRIMARY KEY, artist_id text);
      CREATE TABLE genre (album_id int PRIMARY KEY, quantity text);
      CREATE TABLE artist (track_id int PRIMARY KEY, title text, city int);
      CREATE TABLE album (genre_id int PRIMARY KEY, invoice_id int, total int, name int, age int, customer_id int);
      INSERT INTO invoice SELECT i, 'Name ' || i FROM generate_series(1, 150) AS i;
      INSERT INTO genre SELECT i, 'Thing ' || i FROM generate_series(1, 90) AS i;
      INSERT INTO artist SELECT i, 'Title ' || i, 1 + i * 7 % 150 FROM generate_series(1, 400) AS i;
      INSERT INTO album SELECT i, 1 + i * 7919 % 150, 1 + i * 104729 % 90, 1 + i * 7919 % 400, 1 + i % 5, i % 12
        FROM generate_series(1, 1700) AS i;]],
    found = { "album.invoice_id -> invoice.price", "album.name -> artist.track_id", "album.total -> genre.album_id",
      "artist.city -> invoice.price" },
  },
  {
    name = "many", why = "a serial key among those of forty tables: the one that is called so is not lost among them",
    sql = [[
      DO $$ BEGIN FOR i IN 1..40 LOOP
        EXECUTE format('CREATE TABLE thing_%s (thing_%s_id int PRIMARY KEY)', chr(65 + i % 26) || i, chr(65 + i % 26) || i);
        EXECUTE format('INSERT INTO thing_%s SELECT generate_series(1, %s)', chr(65 + i % 26) || i, 40 + i);
      END LOOP; END $$;
      CREATE TABLE customer (customer_id int PRIMARY KEY);
      CREATE TABLE visit (visit_no text PRIMARY KEY, customer_id int);
      INSERT INTO customer SELECT generate_series(1, 900);
      INSERT INTO visit SELECT 'V' || i, 1 + i % 35 FROM generate_series(1, 300) AS i;]],
    found = { "visit.customer_id -> customer.customer_id" },
  },
  {
    name = "orphans", why = "a few values that lead nowhere do not hide a reference, and many do",
    sql = [[
      CREATE TABLE shop (shop_id int PRIMARY KEY, town text);
      CREATE TABLE visit (visit_id int PRIMARY KEY, shop_id int, last_shop_id int);
      INSERT INTO shop SELECT i * 3, 'T' || i FROM generate_series(1, 200) AS i;
      INSERT INTO visit SELECT i, CASE WHEN i % 300 = 0 THEN 5 ELSE 3 + i * 7919 % 200 * 3 END, i * 31 % 600 FROM generate_series(1, 900) AS i;]],
    found = { "visit.shop_id -> shop.shop_id" },
  },
  {
    name = "declared", why = "a declared key is told as such, and its column gets no other parent",
    sql = [[
      CREATE TABLE a (id int PRIMARY KEY);
      CREATE TABLE b (id int PRIMARY KEY);
      CREATE TABLE c (id int PRIMARY KEY, a_id int REFERENCES b, flag int);
      INSERT INTO a SELECT generate_series(1, 50);
      INSERT INTO b SELECT generate_series(1, 50);
      INSERT INTO c SELECT i, 1 + i % 50, i % 2 FROM generate_series(1, 100) AS i;]],
    found = { "c.a_id -> b.id (declared)" },
  },
  {
    name = "nothing", why = "empty tables, columns of NULLs, tables without columns",
    sql = [[
      CREATE TABLE one (id int PRIMARY KEY, x int);
      CREATE TABLE two (id int PRIMARY KEY, one_id int);
      CREATE TABLE three ();
      INSERT INTO two SELECT i, NULL FROM generate_series(1, 9) AS i;]],
    found = {},
  },
}
