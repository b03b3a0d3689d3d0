-- What only the making needed goes. Then who refers to whom, indexes on the columns that are joined
-- or searched most, and statistics: all of these cost less on full tables than row by row.

SET client_min_messages = warning;  -- else it lists all that goes
DROP SCHEMA build CASCADE;
RESET client_min_messages;
RESET jit;

ALTER TABLE store    ADD FOREIGN KEY (country_code) REFERENCES country;
ALTER TABLE employee ADD FOREIGN KEY (store_id)     REFERENCES store,
                     ADD FOREIGN KEY (manager_id)   REFERENCES employee;
ALTER TABLE brand    ADD FOREIGN KEY (country_code) REFERENCES country;
ALTER TABLE category ADD FOREIGN KEY (parent_id)    REFERENCES category;
ALTER TABLE product  ADD FOREIGN KEY (brand_id)     REFERENCES brand,
                     ADD FOREIGN KEY (category_id)  REFERENCES category;
ALTER TABLE supplier ADD FOREIGN KEY (country_code) REFERENCES country;
ALTER TABLE product_supplier  ADD FOREIGN KEY (product_id)   REFERENCES product,
                              ADD FOREIGN KEY (supplier_id)  REFERENCES supplier;
ALTER TABLE stock             ADD FOREIGN KEY (store_id)     REFERENCES store,
                              ADD FOREIGN KEY (product_id)   REFERENCES product;
ALTER TABLE promotion_product ADD FOREIGN KEY (promotion_id) REFERENCES promotion,
                              ADD FOREIGN KEY (product_id)   REFERENCES product;
ALTER TABLE customer ADD FOREIGN KEY (preferred_store_id) REFERENCES store,
                     ADD FOREIGN KEY (referrer_id)  REFERENCES customer;
ALTER TABLE address  ADD FOREIGN KEY (customer_id)  REFERENCES customer,
                     ADD FOREIGN KEY (country_code) REFERENCES country;
ALTER TABLE wish_list_item ADD FOREIGN KEY (customer_id) REFERENCES customer,
                           ADD FOREIGN KEY (product_id)  REFERENCES product;
ALTER TABLE customer_order ADD FOREIGN KEY (customer_id) REFERENCES customer,
                           ADD FOREIGN KEY (store_id)    REFERENCES store,
                           ADD FOREIGN KEY (employee_id) REFERENCES employee,
                           ADD FOREIGN KEY (billing_address_id)  REFERENCES address,
                           ADD FOREIGN KEY (shipping_address_id) REFERENCES address;
ALTER TABLE order_item     ADD FOREIGN KEY (order_id)     REFERENCES customer_order,
                           ADD FOREIGN KEY (product_id)   REFERENCES product,
                           ADD FOREIGN KEY (promotion_id) REFERENCES promotion;
ALTER TABLE payment        ADD FOREIGN KEY (order_id)     REFERENCES customer_order;
ALTER TABLE returned_item  ADD FOREIGN KEY (order_id, line_number) REFERENCES order_item;
ALTER TABLE review         ADD FOREIGN KEY (product_id)   REFERENCES product,
                           ADD FOREIGN KEY (customer_id)  REFERENCES customer;
ALTER TABLE support_ticket ADD FOREIGN KEY (customer_id)  REFERENCES customer,
                           ADD FOREIGN KEY (order_id)     REFERENCES customer_order,
                           ADD FOREIGN KEY (employee_id)  REFERENCES employee;

CREATE INDEX ON address (customer_id);
CREATE INDEX ON customer_order (customer_id);
CREATE INDEX ON customer_order (ordered_at);
CREATE INDEX ON order_item (product_id);
CREATE INDEX ON payment (order_id);
CREATE INDEX ON review (customer_id);

VACUUM ANALYZE;
