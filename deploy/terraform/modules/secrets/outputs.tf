output "key_arn" {
  description = "Key that secrets are encrypted with."
  value       = aws_kms_key.this.arn
}

output "to_be_filled_in" {
  description = "Entries that a person fills in before the first synchronisation."
  value       = { for name, entry in aws_secretsmanager_secret.by_hand : entry.name => local.by_hand[name] }
}
