"""Words that are not names of people: the trade's vocabulary, places, companies. Common knowledge, listed by hand."""

PRODUCTS = """
Kafka Jenkins Julia Ruby Python Java Scala Rust Go Elixir Erlang Haskell Clojure Kotlin Swift Dart Perl Ada Pascal Lua Redis Postgres PostgreSQL MySQL
MariaDB Maria MongoDB Mongo Cassandra Athena Apollo Hermes Zeus Atlas Prometheus Grafana Loki Tempo Mimir Thanos Jaeger Zipkin Istio
Envoy Linkerd Consul Vault Nomad Terraform Ansible Puppet Chef Salt Vagrant Packer Docker Kubernetes Helm Argo Flux Tekton Spinnaker Harbor Rancher
Nginx Apache Tomcat Jetty Caddy Traefik Kong Tyk Apigee Zuul Eureka Hystrix Ribbon Feign Sleuth Spring Camel Airflow Luigi Dagster Prefect Spark Flink
Storm Samza Beam Hadoop Hive Pig Impala Presto Trino Druid Pinot Kylin Hudi Iceberg Delta Snowflake BigQuery Redshift Databricks Celery Rabbit RabbitMQ
Pulsar NATS ActiveMQ Artemis ZooKeeper Zookeeper Etcd Memcached Hazelcast Ignite Couchbase CouchDB Riak Neo4j Dgraph Elastic Elasticsearch Kibana
Logstash Beats Splunk Datadog Sentry Honeycomb Lightstep Dynatrace Nagios Zabbix Icinga Graphite Ganglia Sensu Django Flask Rails Laravel Symfony Phoenix
Ember Angular React Vue Svelte Gatsby Nuxt Next Nest Express Meteor Ionic Flutter Cordova Electron Tauri Jest Mocha Jasmine Cucumber Selenium Cypress
Playwright Gatling Locust JMeter Sonar SonarQube Gradle Maven Ant Bazel Buck Pants Git GitHub GitLab Gerrit Bitbucket Jira Confluence Trello Asana Slack
Teams Zoom Miro Figma Mermaid Structurizr Swagger Postman Insomnia Auth0 Okta Keycloak Dex Ory Hydra Kratos Lambda Fargate Aurora Dynamo DynamoDB Neptune
Kinesis Glue Step Sagemaker Bedrock Titan Claude Gemini Gemma Llama Mistral Sonnet Opus Haiku Falcon Bard Whisper Watson Siri Alexa Cortana Copilot
LangGraph LangChain LangSmith Langfuse Ragas Weaviate Pinecone Milvus Qdrant Chroma Ray Dask Horovod Keras Torch Triton Jupyter Pandas Polars
Arrow Parquet Avro Thrift Protobuf Cap'n Netty Akka Vertx Quarkus Micronaut Dapr Orleans Temporal Cadence Camunda Zeebe Conductor Azure Google Amazon
Firebase Vertex Heroku Vercel Netlify Fly Render Cloudflare Akamai Fastly Varnish Squid Samba Bind Postfix Exim Debian Ubuntu Fedora Alpine Arch Gentoo
Linux Windows Android Darwin Solaris Unix Ceph Gluster Minio Swift Cinder Nova Neutron Keystone Glance Horizon Heat Ironic Magnum Cilium Calico Flannel
Weave Falco Kyverno Gatekeeper Sigstore Cosign Trivy Clair Grype Snyk Dependabot Renovate Backstage Crossplane Pulumi Knative Kubeflow Seldon Feast Tecton
Wednesday Jackson Gson Lombok Mockito JUnit Hibernate Dijkstra Bellman Ford Floyd Prim Kruskal Huffman Hamming Reed Solomon Viterbi Nagle Karn Jacobson
Reno Tahoe Vegas Cubic Westwood Poisson Erlang Markov Bayes Gauss Fourier Laplace Shannon Nyquist Moore Amdahl Gustafson Little Zipf Pareto Conway Brooks
Hyrum Postel Liskov Demeter Lamport Paxos Raft Byzantine Merkle Bloom Cuckoo Turing Church Boole Venn Gantt Likert Cohen Kappa Pearson Spearman Cronbach
Fibonacci Levenshtein Jaccard Kanban Scrum Lean Agile Crystal Vernam Caesar Vigenere Diffie Hellman Rivest Shamir Adleman Kerberos Radius Diameter
Mealy Petri Backus Naur Chomsky Karnaugh Knuth Euler Hilbert Sierra Bonjour Zigbee Thread Matter Bluetooth Harald Aloha Ethernet Manchester
Anthropic OpenAI Nvidia Microsoft Oracle Cisco Juniper Arista Dell Lenovo Siemens Bosch Philips Sony Salesforce Stripe Twilio Adyen Klarna
Faiss CrewAI Jina Firecrawl Opnet Omnet Wireshark Nmap Arize Opik Braintrust Helicone Portkey LiteLLM Instructor Pydantic FastAPI Starlette Uvicorn Gunicorn Poetry Hatch Ruff Bandit Hypothesis
Amelia Clara Casper Cody Devin Eliza Ernie Grace Hal Iris Jasper Jules Leo Lucy Max Nora Olive Otto Penny Rosie Rufus Sage Sam Stella Tay Vera
""".split()  # fmt: skip

LAWS = """
Conway's law|Brooks's law|Hyrum's Law|Postel's law|Amdahl's law|Little's law|Moore's law|Goodhart's law|Gall's law|Metcalfe's law|Parkinson's law|Murphy's law|
Demeter's law|Law of Demeter|Liskov substitution principle|Liskov substitution|Dijkstra's algorithm|Dijkstra|Bellman-Ford|Floyd-Warshall|Prim's algorithm|
Kruskal's algorithm|Huffman coding|Bloom filter|Bloom filters|Merkle tree|Merkle trees|Lamport clocks|Lamport timestamps|Byzantine fault tolerance|Nagle's algorithm|
Poisson distribution|Poisson process|Markov chain|Markov model|Bayes' theorem|Bayesian inference|Gaussian noise|Fourier transform|Shannon capacity|Shannon's theorem|
Nyquist rate|Hamming distance|Hamming code|Reed-Solomon codes|Diffie-Hellman|Karn's algorithm|Jacobson's algorithm|Karnaugh map|Turing machine|Turing test|Venn diagram|
Gantt chart|Likert scale|Cohen's kappa|Fleiss' kappa|Cronbach's alpha|Pearson correlation|Spearman's rho|Levenshtein distance|Jaccard similarity|Zipf's law|
Pareto principle|Erlang B formula|Gilbert-Elliott model|Fibonacci backoff|Bernoulli trial|Boolean logic|Euler's method|Hilbert curve|Cantor pairing|Peano curve|
Nygard-style records|Fowler-style|Gang of Four|Kleppmann-style|Manchester encoding|Chandy-Lamport|Bresenham|Gray code|Caesar cipher|Elo rating|Wilson interval|
Kruchten's 4+1 views|Kruchten|Palm's theorem|Rozanski and Woods|Boehm's spiral|Parnas|McCabe complexity|Halstead metrics|Nash equilibrium|Kurose and Ross|
Tanenbaum|Kleene star|Gödel|Kendall notation|Little's theorem|Stokes|Murphy's law|Hofstadter's law|Wirth's law|Linus's law|Dunbar's number|Campbell's law|Brewer's theorem|Brewer's CAP theorem|Lehman's laws|Kano model|Eisenhower matrix|Tuckman model|Cynefin framework|Ishikawa diagram|Weibull distribution|Welch's t-test|Student's t-test|Bonferroni correction
""".replace("\n", "").split("|")  # fmt: skip

PATTERNS = """
Circuit Breaker|Saga|Event Sourcing|CQRS|Strangler Fig|Sidecar|Ambassador|Bulkhead|Outbox|Anti-Corruption Layer|API Gateway|Backend for Frontend|Retry|Throttling|
Service Mesh|Leader Election|Cache Aside|Write-Through Cache|Publish-Subscribe|Pipes and Filters|Microkernel|Hexagonal Architecture|Onion Architecture|Clean Architecture|
Layered Architecture|Space-Based Architecture|Event-Driven Architecture|Microservices|Modular Monolith|Domain-Driven Design|Bounded Context|Ubiquitous Language|
Aggregate Root|Value Object|Repository|Factory Method|Abstract Factory|Singleton|Observer|Visitor|Decorator|Facade|Flyweight|Mediator|Memento|Chain of Responsibility|
Adapter|Bridge|Proxy|Iterator|Template Method|Strategy|Blackboard|Model View Controller|Scatter-Gather|Competing Consumers|Claim Check|Dead Letter Queue|
Blue-Green Deployment|Canary Release|Feature Toggle|Two-Phase Commit|Three-Phase Commit|Quorum Write|Vector Clock|Consistent Hashing|Token Bucket|Leaky Bucket|
Exponential Backoff|Health Check|Chaos Monkey|Data Mesh|Data Lake|Lambda Architecture|Kappa Architecture|Zero Trust|Human in the Loop|Retrieval-Augmented Generation|
In-Context Learning|Chain of Thought|Fine-Tuning|LLM Inference Gateway|Guardrail Service|Short Answer Capture Topic|Expert Software Architect|Certifiable Administrator
""".replace("\n", "").split("|")  # fmt: skip

CITIES = """
London Paris Berlin Madrid Rome Vienna Prague Warsaw Budapest Lisbon Dublin Oslo Stockholm Helsinki Copenhagen Amsterdam Rotterdam Utrecht Brussels Antwerp
Zurich Geneva Basel Munich Hamburg Cologne Frankfurt Stuttgart Dresden Leipzig Milan Turin Naples Florence Venice Barcelona Valencia Seville Porto Athens
Istanbul Ankara Moscow Kyiv Minsk Riga Vilnius Tallinn Bucharest Sofia Belgrade Zagreb Ljubljana Sarajevo Skopje Tirana Cairo Lagos Nairobi Accra Kampala
Johannesburg Durban Casablanca Tunis Algiers Dakar Dubai Doha Riyadh Tehran Baghdad Beirut Amman Jerusalem Haifa Mumbai Delhi Bangalore Chennai Kolkata Pune
Hyderabad Karachi Lahore Dhaka Colombo Kathmandu Beijing Shanghai Shenzhen Guangzhou Taipei Tokyo Osaka Kyoto Nagoya Sapporo Seoul Busan Bangkok Hanoi Saigon
Manila Jakarta Singapore Sydney Melbourne Brisbane Perth Adelaide Auckland Wellington Toronto Vancouver Montreal Ottawa Calgary Boston Chicago Houston Dallas
Austin Denver Seattle Portland Phoenix Atlanta Miami Orlando Philadelphia Pittsburgh Detroit Cleveland Columbus Charlotte Nashville Memphis Richmond Baltimore
Washington Jacksonville Madison Lincoln Cork Galway Bath Bristol Oxford Cambridge York Leeds Manchester Liverpool Glasgow Edinburgh Cardiff Belfast Reading
Lima Bogota Quito Santiago Montevideo Brasilia Salvador Recife Fortaleza Curitiba Havana Kingston Panama Victoria Florence Sydney Paris Virginia Georgia Carolina
Dakota Savannah Charlotte Aurora Alexandria Augusta Helena Santiago Leon Lourdes Chelsea Brooklyn Manhattan Harlem Queens Bronx Kensington Camden Brighton Essex Kent Devon
""".split()  # fmt: skip

PLACES = """
England Scotland Wales Ireland Britain France Germany Spain Italy Portugal Netherlands Belgium Luxembourg Switzerland Austria Poland Czechia Slovakia Hungary
Romania Bulgaria Greece Turkey Russia Ukraine Belarus Estonia Latvia Lithuania Finland Sweden Norway Denmark Iceland Serbia Croatia Slovenia Bosnia Albania
Macedonia Moldova Georgia Armenia Azerbaijan Israel Jordan Lebanon Syria Iraq Iran Egypt Libya Tunisia Algeria Morocco Nigeria Ghana Kenya Uganda Tanzania Ethiopia
Sudan Chad Mali Niger Senegal Gambia Angola Zambia Zimbabwe Botswana Namibia Mozambique Madagascar India Pakistan Bangladesh Nepal Bhutan China Japan Korea Taiwan
Mongolia Vietnam Thailand Cambodia Laos Myanmar Malaysia Indonesia Philippines Australia Canada Mexico Guatemala Honduras Nicaragua Cuba Haiti Jamaica Brazil
Argentina Chile Peru Colombia Venezuela Ecuador Bolivia Paraguay Uruguay America Europe Asia Africa Oceania Antarctica Atlantic Pacific Mediterranean Baltic
California Texas Florida Ohio Michigan Illinois Indiana Wisconsin Minnesota Iowa Missouri Kansas Nebraska Colorado Utah Nevada Arizona Oregon Idaho Montana Wyoming
Oklahoma Arkansas Louisiana Mississippi Alabama Tennessee Kentucky Virginia Maryland Delaware Pennsylvania Vermont Maine Massachusetts Connecticut Hawaii Alaska
Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August September October November December Mon Tue Wed Thu Fri Sat Sun
Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Christmas Easter Ramadan Diwali Hanukkah Thanksgiving Halloween Lent Pentecost
English French German Spanish Italian Portuguese Dutch Swedish Norwegian Danish Finnish Polish Czech Hungarian Romanian Greek Turkish Russian Ukrainian Arabic
Hebrew Hindi Urdu Bengali Chinese Mandarin Cantonese Japanese Korean Thai Vietnamese Latin American British Irish Scottish Welsh Canadian Australian Mexican
Brazilian Indian European Asian African Swiss Austrian Belgian Roman Egyptian Israeli Iranian Iraqi Syrian Catholic Protestant Christian Muslim Jewish Buddhist
""".split()  # fmt: skip

COMPANIES = """
Acme Globex Initech Umbrella Hooli Stark Wayne Vandelay Contoso Northwind Fabrikam Tailspin Adventure Litware Certifiable Meridian Pinnacle Summit Horizon Nimbus
Quantum Vertex Zenith Orion Nova Helix Apex Vector Bright Clear Blue Green Red Silver Golden Iron Stone River Lake Forest Mountain Ocean Harbor Bridge Tower
Credit General National United Global First Pacific Atlantic Northern Southern Western Eastern Central Royal Imperial Metro Urban Rural Digital Cyber Data Cloud
""".split()  # fmt: skip

COMPANY_ENDS = (
    "Inc|Inc.|Ltd|LLC|GmbH|AG|Corp|Corp.|Corporation|Group|Holdings|Partners|Systems|Software|Technologies|Labs|Bank|University|Institute|"
    "Orchestra|Museum|Foundation|Society|Hospital|College|School|Church|Hotel|Records|Times|Post|Street|Avenue|Park|Airport|Cup|Award|Prize|Act"
).split("|")

HEADINGS = """
Introduction|Context|Decision|Consequences|Status|Alternatives|Assumptions|Requirements|Overview|Summary|Background|Goals|Non-Goals|Scope|Stakeholders|Glossary|Risks|
Trade-offs|Advantages|Disadvantages|Key Components|Core Infrastructure|Quality Attributes|Functional Requirements|Non-Functional Requirements|Deployment View|
Building Block View|Runtime View|Architecture Decision Record|Proposed Solution|Target Architecture|Current State|Future State|Data Flow|Sequence Diagram|System Context|
Container Diagram|Component Diagram|Security|Scalability|Availability|Performance|Observability|Maintainability|Testability|Cost Analysis|Open Questions|Next Steps|
References|Appendix|Lessons Learned|Final Words|Table of Contents|Executive Summary|Business Drivers|Technical Constraints|Grading Rubric|Model Answer|Expert Review|
Candidate Feedback|Test Results|Case Study|Short Answer|Marking Scheme|Learning Outcomes|Error Handling|Rate Limiting|Load Balancing|Service Discovery|Data Storage|
User Journey|Admin UI|Event Backbone|Message Broker|Identity Provider|Access Control|Audit Log|Cost Breakdown|Road Warrior|Farmacy Food|Hey Blue|Spotlight Platform|Sysops Squad
""".replace("\n", "").split("|")  # fmt: skip

# Ordinary words at the head of a sentence, a bullet or a label: capitalised, yet no names.
STARTERS = """
The This These Those That There Here It Its We Our You Your They Their He She His Her If When While Because Since Although However Therefore Moreover Furthermore
Also Then Next First Second Third Finally Lastly Overall Please Thanks Thank Regards Sincerely Dear Hello Hi Hey Yes No Not Correct Incorrect Wrong Right Good Great
Excellent Partially Partly Fully Missing Incomplete Complete Well Nice Poor Fair Weak Strong Clear Unclear Use Using Used Add Adding Remove Explain Describe Name List
State Define Compare Discuss Consider Note Remember Warning Error Info Debug Fatal Question Answer Score Grade Feedback Comment Comments Reason Reasoning Rationale
Criterion Criteria Points Marks Total Result Verdict Pass Fail Candidate Candidates Student Students Expert Experts Grader Graders Examiner Reviewer Reviewers Author
Architect Architects Administrator Manager Engineer Developer User Users System Service Server Client Router Switch Host Network Packet Frame Segment Datagram Sender
Receiver Protocol Connection Latency Throughput Bandwidth Buffer Queue Cache Database Message Messages Topic Event Events Broker Gateway Model Prompt Token Tokens
Response Request Context Input Output Assistant Human Tool Role Content Type Value Key Status Code Data Date Time Name Email Phone Address Subject From To Cc Sent
Will Would Can Could Should May Might Must Do Does Did Has Have Had Is Are Was Were Be Being Been What Which Who Whom Whose Why How Where With Without Within
Mark Bill Rich Grant Chase Frank Faith Hope Joy Grace Will May June Art Drew Pat Sue Rob Bob Jack Rose Lily Iris Violet Daisy Ivy Amber Ruby Pearl Jade Crystal Dawn Eve
Summer Autumn Skip Gene Dean Duke Earl Baron King Prince Bishop Pope Page Price Wood Stone Brown White Black Green Gray Young Long Short Small Little Best Sharp Swift
Cook Baker Butler Carter Cooper Fisher Hunter Mason Miller Porter Potter Smith Taylor Turner Walker Weaver Webb Wright Ward Field Fields Hill Lake Rivers Banks Marsh
""".split()  # fmt: skip
