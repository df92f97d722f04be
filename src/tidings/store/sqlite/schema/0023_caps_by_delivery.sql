-- What was never done is found among the uses of caps when its delivery is dropped.

CREATE INDEX cap_use_delivery ON cap_use (delivery);
