-- What comes after a sale, or instead of one: returns, reviews, support tickets, wishes.

INSERT INTO returned_item (return_id, order_id, line_number, quantity, reason, refund, returned_on, is_restocked)
SELECT row_number() OVER (ORDER BY returned_on, order_id, line_number), order_id, line_number, pieces,
       reason::return_reason,
       round(line_total * pieces / quantity, 2), returned_on, reason <> 'damaged' AND build.chance('restocked', n, 85)
  FROM order_item i
  JOIN customer_order o USING (order_id)
  JOIN product p USING (product_id)
 CROSS JOIN LATERAL (SELECT order_id * 10 + line_number AS n) AS k
 CROSS JOIN LATERAL (SELECT delivered_on + 2 + build.skew('returned', n, 40, 10) AS returned_on,
      1 + build.draw('pieces', n, quantity) AS pieces,
      CASE WHEN attributes ? 'sizes' AND build.chance('misfit', n, 60) THEN 'wrong size'
           WHEN o.channel <> 'store' AND build.chance('too late', n, 8) THEN 'late delivery'
           ELSE build.pick('reason', n, '{changed mind,changed mind,damaged,not as described}') END AS reason) AS r
 WHERE o.status = 'delivered' AND returned_on <= '2025-12-31' AND list_price > 5
   AND build.chance('returned', n, CASE WHEN o.channel = 'store' THEN 3 WHEN attributes ? 'sizes' THEN 9 ELSE 4 END)
 ORDER BY 1;

-- Who has bought a product may review it, once. Some products disappoint more often than others.
-- What the title and text say follows from the rating.
CREATE TABLE build.opinion (rating int, titles text[], verdicts text[]);
INSERT INTO build.opinion VALUES
  (1, '{Broke at once,Never again,Waste of money,Sent it back,Very disappointed}',
      '{It fell apart on the second day.,The seams came open at once.,Not worth half the price.,It did not do what was promised.}'),
  (2, '{Not convinced,Expected more,Poor finish,Could be better,Mixed feelings}',
      '{It does the job but feels cheap.,Heavier than stated.,The colour faded quickly.,The instructions are of no help.}'),
  (3, '{All right for the price,Average,It is okay,Good and bad,Does its job}',
      '{Nothing special but nothing wrong either.,Good material with a few loose threads.,Fine for short trips.,It runs a little small.}'),
  (4, '{Good buy,Almost perfect,Solid piece of gear,Would buy again,Happy with it}',
      '{Well made and light enough.,It kept what was promised.,Only the packaging could be smaller.,Very practical in every detail.}'),
  (5, '{Simply perfect,Best I ever had,Love it,Worth every cent,Highly recommended,My constant companion}',
      '{It could not be better.,It still looks like new.,My friends have ordered one too.,Light and strong and handsome.,It worked in any weather.}');

INSERT INTO review (review_id, product_id, customer_id, rating, title, comment, helpful_votes, reviewed_on)
SELECT row_number() OVER (ORDER BY reviewed_on, order_id, product_id), product_id, customer_id, rating,
       build.pick('title', n, titles),
       CASE WHEN build.chance('text', n, 64) THEN
         build.pick('trip', n, '{Took it along,Had it with me,Used it every day,Tried it,Put it to the test}') || ' '
         || build.pick('time', n, '{for a week,for three days,on a long weekend,last summer,for ten days,over Easter}') || ' '
         || build.pick('place', n, '{in the Dolomites,in the Black Forest,on the Zugspitze,in the Tatra mountains,
              on the island of Mull,around Mont Blanc,in Lapland,in the Pyrenees,on the Baltic coast,in the Soca valley,in the Hohe Tauern,at home}') || '. '
         || build.pick('verdict', n, verdicts) END,
       build.skew('helpful', n, 45, 0) * build.draw('read', n, 2), reviewed_on
  FROM (SELECT DISTINCT ON (product_id, customer_id) *
          FROM order_item JOIN customer_order USING (order_id) WHERE status = 'delivered'
         ORDER BY product_id, customer_id, order_id) AS bought
 CROSS JOIN LATERAL (SELECT order_id * 10 + line_number AS n) AS k
 CROSS JOIN LATERAL (SELECT greatest(1, 5 - build.skew('stars', n, 3 + build.skew('faults', product_id, 4, 10), 15)
                                          - CASE WHEN build.chance('bad luck', n, 4) THEN 3 ELSE 0 END) AS rating,
                            delivered_on + 3 + build.skew('reviewed', n, 120, 5) AS reviewed_on) AS r
  JOIN build.opinion USING (rating)
 WHERE reviewed_on <= '2025-12-31' AND build.chance('reviews', n, 24)
 ORDER BY 1;

-- Tickets about orders name the first product of the order; others are about this and that.
CREATE TABLE build.question AS
SELECT o.order_id, o.customer_id, o.order_id AS n,
       CASE WHEN o.channel <> 'store' AND build.chance('late', o.order_id, 25) THEN 'Late delivery of ' || name
            ELSE replace(build.pick('subject', o.order_id,
                 '{Warranty claim for the #,Missing part of the #,# arrived damaged,How to care for the #,Exchange of the #,
                   Wrong colour of the #,Copy of the invoice for the #,Spare part for the #,Return label for the #}'), '#', name) END AS subject,
       1 + coalesce(delivered_on, ordered_at::date) + build.skew('asked', o.order_id, 90, 2) AS day
  FROM customer_order o
  JOIN order_item i ON i.order_id = o.order_id AND i.line_number = 1
  JOIN product p USING (product_id)
 WHERE build.chance('asks', o.order_id, 15)
UNION ALL
SELECT NULL, customer_id, 100000 + customer_id,
       build.pick('subject', customer_id, '{Password does not arrive,Change of e-mail address,Newsletter cannot be cancelled,
         Balance of a gift card,Question about the loyalty tiers,Account to be deleted,Advice on a first trekking tent,
         Order for a mountaineering club,Rental of snowshoes,Date of the next repair day}'),
       joined_on + build.draw('asked', customer_id, date '2025-12-31' - joined_on)
  FROM customer WHERE build.chance('asks anyway', customer_id, 17);

INSERT INTO support_ticket (ticket_id, subject, customer_id, order_id, employee_id, priority, status, opened_at, closed_at,
                            response_time, satisfaction)
SELECT row_number() OVER (ORDER BY opened_at, n), subject, customer_id, order_id,
       CASE WHEN answered THEN (SELECT employee_id FROM build.seller
                                 WHERE store_id IS NULL AND hired_on <= day AND left_on > closed_at::date
                                 ORDER BY build.draw('advisor', n * 1000 + employee_id, 268435456), employee_id LIMIT 1) END,
       priority::ticket_priority,
       (CASE WHEN ends THEN build.pick('outcome', n, '{solved,solved,closed}') WHEN answered THEN 'waiting'
             ELSE 'open' END)::ticket_status,
       opened_at, CASE WHEN ends THEN closed_at END, CASE WHEN answered THEN response END,
       CASE WHEN ends AND build.chance('rates', n, 55)
            THEN greatest(1, 5 - build.skew('satisfied', n, 3, 10) - CASE WHEN response > '1 day' THEN 1 ELSE 0 END) END
  FROM build.question
 CROSS JOIN LATERAL (SELECT CASE WHEN build.chance('urgent', n, 5) THEN 'urgent' WHEN subject ~ '^(Late|Missing)|damaged' THEN 'high'
                                 ELSE build.pick('priority', n, '{low,normal,normal,normal}') END AS priority,
                            day + (480 + build.draw('opened', n, 600)) * interval '1 minute' AS opened_at) AS p
 CROSS JOIN LATERAL (SELECT (6 + build.skew('response', n, CASE priority WHEN 'urgent' THEN 180 WHEN 'high' THEN 1400
                                                                ELSE 3600 END, 5))
                            * interval '1 minute' AS response) AS r
 CROSS JOIN LATERAL (SELECT (opened_at + response)::date + 1 + build.skew('closed', n, 21, 5)
                            + (480 + build.draw('closed', n, 600)) * interval '1 minute' AS closed_at) AS c
 CROSS JOIN LATERAL (SELECT opened_at + response < '2025-12-31 18:00' AS answered,
                            closed_at < '2025-12-31 18:00' AND NOT build.chance('no reply', n, 3) AS ends) AS e
 WHERE opened_at < '2025-12-31 18:00'
 ORDER BY 1;

-- Nobody wishes for what they have bought already.
INSERT INTO wish_list_item (customer_id, product_id, quantity, added_on)
SELECT customer_id, product_id, 1 + build.skew('wanted', n, 3, 0), added_on
  FROM (SELECT DISTINCT ON (customer_id, product_id) customer_id, product_id, n, released_on, ended_on,
               joined_on + build.draw('added', n, date '2026-01-01' - joined_on) AS added_on
          FROM customer
         CROSS JOIN LATERAL generate_series(1, 1 + build.skew('wishes', customer_id, 14, 10)) AS i
         CROSS JOIN LATERAL (SELECT customer_id * 20 + i AS n) AS k
          JOIN build.fame ON fame = 1 + build.skew('wished', n, 634, 3)
         WHERE build.chance('wishes', customer_id, 65)
         ORDER BY customer_id, product_id, n) AS w
 WHERE released_on <= added_on AND added_on < ended_on
   AND NOT EXISTS (SELECT 1 FROM order_item i JOIN customer_order o USING (order_id)
                    WHERE o.customer_id = w.customer_id AND i.product_id = w.product_id)
 ORDER BY customer_id, product_id;
