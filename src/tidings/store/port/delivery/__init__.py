"""What a store keeps beside deliveries: fan-outs, how receivers do, what is on its way."""
